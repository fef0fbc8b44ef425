"""Money that a fund holder was told to transfer is recorded, whatever stops payouts before they say that they did."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal, freeze, get_appeal, resume
from models.appeals.review import cancel_frozen
from models.core.state_machine import Actor, By, WrongState
from models.disbursements.approval import turn_away, withdraw
from models.disbursements.budget import NotSpendable, OverHeld
from models.disbursements.disbursement import Disbursement
from models.disbursements.payee import Payee, payees_of
from models.disbursements.payout import pay
from models.disbursements.payout_claim import (
    ASKED_EVERY,
    ClaimedByAnother,
    TransferUnderWay,
    ask_about_transfers,
    check_not_transferring,
    claim_payout,
    claim_restored,
    release_claim,
)
from models.giving.refund_run import RefundRun
from models.ledger import moves, totals
from models.ledger.errors import BankShort, PayoutShort
from models.notifications.notification import Notification
from models.payments.refund_run import plan_page
from models.people.conversation import Conversation
from models.people.photo import Photo
from models.staff.member import Staff
from models.staff.task import find_task
from models.support.payout_hold import HOLD_LASTS
from models.treasury.bank_entry import BankTransfer, enter
from tests.harness.erasing import erase_person
from tests.harness.stage import Stage
from tests.scenes.money.disbursements import (
    COUNTY,
    asked,
    at,
    authorised,
    fixed,
    owner_of,
    passed,
    people,
    seen,
    state,
    wrong,
)
from tests.scenes.reports import reports


@pytest.fixture
def staff(stage: Stage) -> dict[str, int]:
    return people(stage)


def claimed(stage: Stage, *gifts: int, fen: int, staff: dict[str, int]) -> tuple[int, int]:
    """(appeal, request) that the fund holder is transferring."""
    number, use = authorised(stage, *gifts, fen=fen, staff=staff)
    claim(stage, use, staff)
    return number, use


def claim(stage: Stage, use: int, staff: dict[str, int]) -> None:
    seen(stage, use, staff["holder"])
    with at(stage) as db:
        claim_payout(db, db.get_one(Staff, staff["holder"]), use, stage.clock())


def confirm(stage: Stage, use: int, staff: dict[str, int]) -> None:
    with at(stage) as db:
        pay(db, db.get_one(Staff, staff["holder"]), use, f"T{use:08d}", stage.clock())


def told(stage: Stage, kind: str) -> list[str]:
    """The notifications' words for whom they are, in order: the WeChat of each."""
    with Database(stage.database) as db:
        to = select(Conversation.openid).join(Notification, Notification.conversation_id == Conversation.id)
        return list(db.scalars(to.where(Notification.template == kind).order_by(Notification.id)))


def county(staff: dict[str, int]) -> Actor:
    return Actor(By.COUNTY, f"staff:{staff['county']}")


def hold(stage: Stage, number: int, _staff: dict[str, int]) -> None:
    reports(stage, "o-li", str(number), kind="5")
    stage.say("o-county", "看 举报1")


def stop(stage: Stage, number: int, staff: dict[str, int]) -> None:
    with at(stage) as db:
        freeze(db, get_appeal(db, number, lock=True), county(staff), stage.clock(), "complaint")


def end(stage: Stage, number: int, staff: dict[str, int]) -> None:
    stop(stage, number, staff)
    with at(stage) as db:
        cancel_frozen(db, db.get_one(Staff, staff["county"]), number, "complaint", stage.clock())


def erase(stage: Stage, number: int, _staff: dict[str, int]) -> None:
    with at(stage) as db:
        owner = db.get_one(Appeal, number).owner_id
        erase_person(db, db.scalars(select(Conversation.id).where(Conversation.user_id == owner)).one(), stage.clock())


Comes = Callable[[Stage, int, dict[str, int]], None]


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("comes", "why", "left"),
    [(hold, "held", "executing"), (stop, "frozen", "frozen"), (end, "over", "cancelled"), (erase, "frozen", "frozen")],
)
def test_what_was_transferred_is_recorded_whatever_came_between(
    stage: Stage, staff: dict[str, int], comes: Comes, why: str, left: str
) -> None:
    number, use = claimed(stage, 10_000, fen=4_000, staff=staff)
    stage.clock.move(timedelta(hours=1))
    comes(stage, number, staff)
    stage.clock.move(timedelta(hours=1))
    # The fund holder hears it at once: perhaps nothing has left the bank.
    assert told(stage, "transfer_asked") == ["o-holder"]
    assert state(stage, use) == "transferring"
    assert wrong(stage) == set()
    confirm(stage, use, staff)
    with at(stage) as db:
        paid = db.get_one(Disbursement, use)
        assert (paid.state, paid.paid_despite) == ("paid", why)
        assert db.get_one(Payee, paid.payee_id).account is not None
        assert {*db.scalars(select(Photo.state).where(Photo.subject == "disbursement"))} == {"kept"}
        assert totals(db, number).disbursed == 4_000
        assert db.get_one(Appeal, number).state == left
    assert told(stage, "paid_despite") == ["o-county"]
    assert wrong(stage) == set()


def test_a_frozen_appeal_that_paid_goes_on_as_one_that_pays(stage: Stage, staff: dict[str, int]) -> None:
    number, use = claimed(stage, 10_000, fen=4_000, staff=staff)
    stop(stage, number, staff)
    confirm(stage, use, staff)
    with at(stage) as db:
        appeal = get_appeal(db, number, lock=True)
        resume(db, appeal, county(staff), stage.clock())
        assert (appeal.state, appeal.update_due_at is None) == ("executing", False)
    assert wrong(stage) == set()


def test_nothing_is_claimed_while_payouts_are_stopped(stage: Stage, staff: dict[str, int]) -> None:
    number, use = authorised(stage, 10_000, fen=4_000, staff=staff)
    stop(stage, number, staff)
    with pytest.raises(NotSpendable):
        claim(stage, use, staff)
    assert state(stage, use) == "authorised"


def test_nobody_takes_a_claimed_payout_back_but_the_fund_holder(stage: Stage, staff: dict[str, int]) -> None:
    number, use = claimed(stage, 10_000, fen=4_000, staff=staff)
    with at(stage) as db:
        old = payees_of(db, number)[0].id
        owner = owner_of(db, db.get_one(Appeal, number))
        with pytest.raises(WrongState):
            withdraw(db, db.get_one(Disbursement, use), Actor(By.OWNER, f"user:{owner.id}"), stage.clock())
        with pytest.raises(WrongState):
            turn_away(db, db.get_one(Staff, staff["holder"]), use, "requested", ("evidence_unclear",), stage.clock())
        with pytest.raises(TransferUnderWay):
            check_not_transferring(db, number)
    new = fixed(stage, number, replaces=old)
    with at(stage) as db:
        assert (db.get_one(Disbursement, use).payee_id, db.get_one(Disbursement, use).state) == (old, "transferring")
        release_claim(db, db.get_one(Staff, staff["holder"]), use, stage.clock())
    with at(stage) as db:  # nobody has seen the new account
        assert (db.get_one(Disbursement, use).payee_id, db.get_one(Disbursement, use).state) == (new, "requested")
    assert wrong(stage) == set()


def test_for_a_day_only_who_claimed_it_says_that_nothing_was_transferred(stage: Stage, staff: dict[str, int]) -> None:
    """Whoever else says so while the first is at the bank would have both transfer it."""
    _, use = claimed(stage, 10_000, fen=4_000, staff=staff)
    other = stage.appoint("o-other", "fund_holder", COUNTY, "QH-2")
    with at(stage) as db:
        task = find_task(db, "disbursement", use)
        assert task
        task.assignee = other
    with at(stage) as db, pytest.raises(ClaimedByAnother):
        release_claim(db, db.get_one(Staff, other), use, stage.clock())
    stage.clock.move(ASKED_EVERY)
    with at(stage) as db:
        release_claim(db, db.get_one(Staff, other), use, stage.clock())
    assert state(stage, use) == "authorised"


def test_what_was_not_transferred_of_a_cancelled_appeal_is_withdrawn(stage: Stage, staff: dict[str, int]) -> None:
    number, use = claimed(stage, 10_000, fen=4_000, staff=staff)
    end(stage, number, staff)
    with at(stage) as db:
        release_claim(db, db.get_one(Staff, staff["holder"]), use, stage.clock())
    assert state(stage, use) == "withdrawn"


def test_what_was_not_transferred_of_an_erased_owners_is_withdrawn(stage: Stage, staff: dict[str, int]) -> None:
    number, use = claimed(stage, 10_000, fen=4_000, staff=staff)
    erase(stage, number, staff)
    with at(stage) as db:
        release_claim(db, db.get_one(Staff, staff["holder"]), use, stage.clock())
    with at(stage) as db:
        assert db.get_one(Disbursement, use).state == "withdrawn"
        assert db.scalars(select(Payee.account)).all() == [None]
        assert {*db.scalars(select(Photo.state).where(Photo.subject == "disbursement"))} == {"gone"}
    assert wrong(stage) == set()


def test_neither_the_appeals_money_nor_the_banks_is_promised_twice(stage: Stage, staff: dict[str, int]) -> None:
    number, use = claimed(stage, 10_000, fen=6_000, staff=staff)
    other, more = authorised(stage, 10_000, fen=4_000, staff=staff)
    with at(stage) as db:
        holder = db.get_one(Staff, staff["holder"])
        with pytest.raises(BankShort) as short:
            enter(db, holder, "t", BankTransfer("top_up", 14_001, "T1"), stage.clock())
        assert short.value.values["held_fen"] == 14_000
        enter(db, holder, "t", BankTransfer("top_up", 11_000, "T1"), stage.clock())
    with pytest.raises(PayoutShort) as lacks:
        claim(stage, more, staff)
    assert lacks.value.values["held_fen"] == 3_000
    end(stage, number, staff)  # the donor's whole gift goes back, but for what is on its way
    with at(stage) as db:
        run = db.scalars(select(RefundRun.id)).one()
    with at(stage) as db:
        assert plan_page(db, run, stage.clock()) is None
    confirm(stage, use, staff)
    with at(stage) as db:
        page = plan_page(db, run, stage.clock())
        assert page is not None
        assert page.last
        assert totals(db, other).held == 10_000
    assert wrong(stage) <= {"no_such_refund", "gift_and_refund"}


def test_of_two_payouts_that_are_too_much_together_one_is_claimed(stage: Stage, staff: dict[str, int]) -> None:
    number, use = authorised(stage, 10_000, fen=6_000, staff=staff)
    other = asked(stage, number, 4_000)
    passed(stage, other, "endorser", "township", "holder", staff=staff)
    with at(stage) as db:
        moves.refund_owed(db, number, 1_000, "refund:1", stage.clock())
    claim(stage, use, staff)
    with pytest.raises(OverHeld):
        claim(stage, other, staff)


def test_who_says_nothing_is_asked_every_day_and_the_county_reads_it(stage: Stage, staff: dict[str, int]) -> None:
    _, use = claimed(stage, 10_000, fen=4_000, staff=staff)
    for hours, asked_now in ((23, 0), (1, 1), (1, 0), (23, 1)):
        stage.clock.move(timedelta(hours=hours))
        with at(stage) as db:
            assert ask_about_transfers(db, stage.clock()) == asked_now
    assert told(stage, "transfer_asked") == ["o-holder"] * 2
    assert told(stage, "transfer_unanswered") == ["o-county"]
    confirm(stage, use, staff)
    stage.clock.move(ASKED_EVERY)
    with at(stage) as db:
        assert ask_about_transfers(db, stage.clock()) == 0


def test_what_waits_in_a_restored_backup_is_asked_about_before_it_is_paid(stage: Stage, staff: dict[str, int]) -> None:
    number, use = authorised(stage, 10_000, fen=4_000, staff=staff)
    other = asked(stage, number, 1_000)
    passed(stage, other, "endorser", "township", "holder", staff=staff)
    claim(stage, other, staff)
    early = asked(stage, number, 1_000)
    passed(stage, early, "endorser", staff=staff)
    with at(stage) as db:
        assert claim_restored(db, stage.clock()) == 2
        assert ask_about_transfers(db, stage.clock()) == 2
    assert "千万不要转第二次" in stage.say("o-holder", "待办")
    assert "转出去了没有" in stage.say("o-holder", f"放款 {use}")
    assert "没有转，记下了" in stage.say("o-holder", "2")
    assert (state(stage, use), state(stage, other), state(stage, early)) == ("authorised", "transferring", "endorsed")
    confirm(stage, other, staff)
    assert wrong(stage) == set()


def test_a_report_between_the_word_and_the_record_of_it_in_the_chat(stage: Stage, staff: dict[str, int]) -> None:
    number, use = authorised(stage, 10_000, fen=4_000, staff=staff)
    assert "请到银行转账" in stage.say("o-holder", f"放款 {use}")
    reports(stage, "o-li", str(number), kind="5")
    stage.say("o-county", "看 举报1")
    review = stage.say("o-holder", "T20261130")
    assert "有人举报，县里正在核查，放款停了" in review
    assert "所以也告诉了县里" in stage.say("o-holder", "确认")
    assert f"用款 {use} 号（¥40）：有人举报、放款停着的时候，记下了一笔转账" in stage.say("o-county", "待办")
    assert state(stage, use) == "paid"
    other = asked(stage, number, 1_000)
    passed(stage, other, "endorser", "township", "holder", staff=staff)
    assert "现在不能放款" in stage.say("o-holder", f"放款 {other}")
    stage.clock.move(HOLD_LASTS)
    assert "请到银行转账" in stage.say("o-holder", f"放款 {other}")
    assert wrong(stage) == set()


def test_a_question_that_is_taken_up_again_sends_nobody_to_the_bank(stage: Stage, staff: dict[str, int]) -> None:
    stage.appoint("o-second", "fund_holder", COUNTY, "N-SECOND")
    _, use = authorised(stage, 10_000, fen=4_000, staff=staff)
    assert "请到银行转账" in stage.say("o-holder", f"放款 {use}")
    stage.say("o-holder", "菜单")
    for words in (f"放款 {use}", "1", "T20261130", "确认"):
        stage.say("o-second", words)
    assert state(stage, use) == "paid"
    again = stage.say("o-holder", "继续")
    assert "请到银行转账" not in again
    assert "别人可能已经转了" in again
