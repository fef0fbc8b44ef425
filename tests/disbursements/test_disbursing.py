"""Money on its way to what it is for: whose word it takes, what is held to, and what becomes of it afterwards."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal, freeze, get_appeal, resume
from models.core.state_machine import Actor, By, WrongState
from models.disbursements.acquittal import acquit, close_spent_accounts, enforce_receipt_deadlines, hand_in_receipts
from models.disbursements.approval import turn_away, withdraw
from models.disbursements.budget import NotSpendable, OverHeld, OverLine
from models.disbursements.confirmation import AnsweredBefore, NoSuchPayout, answer, record_call, settle_doubt
from models.disbursements.disbursement import Disbursement
from models.disbursements.payee import WAITING_PERIOD, Payee, payees_of
from models.disbursements.payout_claim import PayeeTooNew
from models.giving.allocation import DisbursementShare
from models.giving.pledge import Pledge
from models.ledger import held, moves, totals
from models.ledger.errors import ChannelShort, PayoutShort, ReferenceUsed
from models.notifications.broadcast import Broadcast
from models.notifications.notification import Notification
from models.outreach.reporting_duty import EVERY, is_update_overdue, remind_owners, update_not_overdue
from models.payments.payout_return import enter_return
from models.people.conversation import Conversation
from models.people.photo import Photo
from models.people.user import User
from models.staff.conflict_of_interest import record_conflict
from models.staff.decision import DecidedBefore
from models.staff.member import Staff
from models.staff.task import find_task
from models.staff.turn import HasConflict, NotYourTurn, OutsideRegion
from models.treasury.bank_entry import BankTransfer, enter
from tests.harness.erasing import erase_person
from tests.harness.money import gift_postings
from tests.harness.stage import Stage
from tests.scenes.money.disbursements import (
    asked,
    at,
    authorised,
    fixed,
    funded,
    owner_of,
    paid,
    passed,
    people,
    seen,
    state,
    wrong,
)

LONGHUI = "430524101000"


@pytest.fixture
def staff(stage: Stage) -> dict[str, int]:
    return people(stage)


def shares_of(db: Database, number: int) -> list[int]:
    theirs = select(DisbursementShare.amount_fen).where(DisbursementShare.disbursement_id == number)
    return list(db.scalars(theirs.order_by(DisbursementShare.pledge_id)))


def facts_of(db: Database, kind: str) -> list[dict[str, object]]:
    return [json.loads(row) for row in db.scalars(select(Notification.facts).where(Notification.template == kind))]


# The way


def test_three_people_pay_it_and_every_gift_has_given_its_part(stage: Stage, staff: dict[str, int]) -> None:
    number, use = authorised(stage, 10_000, 20_000, 70_001, fen=33_333, staff=staff)
    paid(stage, use, staff)
    with at(stage) as db:
        disbursement = db.get_one(Disbursement, use)
        three = (disbursement.endorsed_by, disbursement.approved_by, disbursement.paid_by)
        assert three == (staff["endorser"], staff["township"], staff["holder"])
        assert sum(shares_of(db, use)) == 33_333
        assert shares_of(db, use) == [3333, 6667, 23333]
        assert totals(db, number).disbursed == 33_333
        assert held(db, [number])[number] == 100_001 - 33_333
        assert set(db.scalars(select(Pledge.state))) == {"partly_disbursed"}
        assert db.get_one(Appeal, number).state == "executing"
        told_all = (Broadcast.subject_id == number) & (Broadcast.template == "disbursed")
        assert db.scalars(select(Broadcast.dedupe_key).where(told_all)).all() == [f"disbursed:{use}"]
        [told] = facts_of(db, "disbursed")
        assert told["code"] == disbursement.code
    assert wrong(stage) == set()


def test_all_of_it_settles_the_gifts_and_the_accounts_close(stage: Stage, staff: dict[str, int]) -> None:
    number, use = authorised(stage, 30_000, 40_000, fen=70_000, staff=staff)
    paid(stage, use, staff)
    with at(stage) as db:
        assert set(db.scalars(select(Pledge.state))) == {"settled"}
        user = owner_of(db, db.get_one(Appeal, number))
        answer(db, user, db.get_one(Disbursement, use).code, "received", stage.clock())
        hand_in_receipts(db, use, [{"media_id": "r", "pic_url": "http://127.0.0.1/r.jpg"}], 1, stage.clock())
    with at(stage) as db:
        if db.get_one(Disbursement, use).sampled:
            record_call(db, db.get_one(Staff, staff["caller"]), use, "received", stage.clock())
    seen(stage, use, staff["endorser"])
    with at(stage) as db:
        task = find_task(db, "disbursement", use)
        assert task is not None
        assert task.step == "use_acquit"
        acquit(db, db.get_one(Staff, staff["endorser"]), use, stage.clock())
        assert db.get_one(Appeal, number).state == "completed"
    assert wrong(stage) == set()


def test_the_rest_given_back_closes_the_accounts_too(stage: Stage, staff: dict[str, int]) -> None:
    """Whatever takes the last of it: the sweep finds an appeal for which nothing is held any more."""
    number, use = authorised(stage, 10_000, fen=4_000, staff=staff)
    paid(stage, use, staff)
    with at(stage) as db:
        assert close_spent_accounts(db, stage.clock()) == 0
        moves.refund_owed(db, number, 6_000, "refund:1", stage.clock())
    with at(stage) as db:
        assert close_spent_accounts(db, stage.clock()) == 1
        assert close_spent_accounts(db, stage.clock()) == 0
        assert db.get_one(Appeal, number).state == "reporting"


def test_the_same_transfer_entered_twice_is_one_payment(stage: Stage, staff: dict[str, int]) -> None:
    number, use = authorised(stage, 10_000, fen=4_000, staff=staff)
    paid(stage, use, staff, "T-1")
    paid(stage, use, staff, "T-1")
    with at(stage) as db:
        assert totals(db, number).disbursed == 4_000
    again = asked(stage, number, 1_000)
    passed(stage, again, "endorser", "township", "holder", staff=staff)
    with pytest.raises(ReferenceUsed):
        paid(stage, again, staff, "T-1")


# What is held to


def test_a_line_gives_no_more_than_it_has_and_an_appeal_no_more_than_is_held(
    stage: Stage, staff: dict[str, int]
) -> None:
    number = funded(stage, 10_000, holder=staff["holder"])
    fixed(stage, number)
    asked(stage, number, 6_000)
    with pytest.raises(OverLine) as refused:
        asked(stage, number, 4_001)
    assert refused.value.values["left_fen"] == 4_000
    with at(stage) as db:  # some of it goes back to its donor
        moves.refund_owed(db, number, 1_000, "refund:1", stage.clock())
    with pytest.raises(OverHeld) as short:
        asked(stage, number, 4_000)
    assert short.value.values["free_fen"] == 3_000


def test_the_table_itself_takes_no_more_than_the_line_has(stage: Stage, staff: dict[str, int]) -> None:
    number = funded(stage, 10_000, holder=staff["holder"])
    fixed(stage, number)
    use = asked(stage, number, 6_000)
    with Database(stage.database) as db:
        row = db.get_one(Disbursement, use)
        fields = {column.name: getattr(row, column.name) for column in Disbursement.__table__.columns}
        db.add(Disbursement(**{**fields, "id": None, "draft_id": "x", "code": "X", "amount_fen": 4_001}))
        with pytest.raises(IntegrityError):
            db.flush()


@pytest.mark.parametrize("change", [{"amount_fen": 5_999}, {"code": "OTHER"}, {"line_id": 99}], ids=str)
def test_what_was_asked_for_stays_as_it_was_asked_for(
    stage: Stage, staff: dict[str, int], change: dict[str, object]
) -> None:
    number = funded(stage, 10_000, holder=staff["holder"])
    fixed(stage, number)
    asked(stage, number, 6_000)
    with pytest.raises(IntegrityError), stage.database.begin() as connection:
        connection.execute(update(Disbursement).values(**change))


def test_what_shrank_since_is_seen_at_the_next_step(stage: Stage, staff: dict[str, int]) -> None:
    number = funded(stage, 10_000, holder=staff["holder"])
    fixed(stage, number)
    use = asked(stage, number, 10_000)
    passed(stage, use, "endorser", staff=staff)
    with at(stage) as db:
        moves.refund_owed(db, number, 1, "refund:1", stage.clock())
    with pytest.raises(OverHeld):
        passed(stage, use, "township", staff=staff)
    assert state(stage, use) == "endorsed"


def test_of_two_that_are_too_much_together_the_first_is_paid(stage: Stage, staff: dict[str, int]) -> None:
    number, use = authorised(stage, 10_000, fen=6_000, staff=staff)
    other = asked(stage, number, 4_000)
    with at(stage) as db:
        moves.refund_owed(db, number, 1_000, "refund:1", stage.clock())
        db.execute(update(Pledge).values(amount_fen=9_000))
    paid(stage, use, staff)
    with pytest.raises(OverHeld) as short:
        passed(stage, other, "endorser", staff=staff)
    assert short.value.values["free_fen"] == 3_000


@pytest.mark.parametrize("step", range(4))
def test_an_appeal_that_is_stopped_pays_nothing_at_any_step(stage: Stage, staff: dict[str, int], step: int) -> None:
    number = funded(stage, 10_000, holder=staff["holder"])
    fixed(stage, number)
    stage.clock.move(WAITING_PERIOD)
    use = asked(stage, number, 4_000)
    ways = ["endorser", "township", "holder"]
    passed(stage, use, *ways[:step], staff=staff)
    with at(stage) as db:
        freeze(db, get_appeal(db, number, lock=True), Actor(By.COUNTY, f"staff:{staff['county']}"), stage.clock(), "x")
    before = state(stage, use)
    with pytest.raises(NotSpendable):
        _next(stage, use, step, ways, staff)
    assert state(stage, use) == before
    with at(stage) as db:
        resume(db, get_appeal(db, number, lock=True), Actor(By.COUNTY, f"staff:{staff['county']}"), stage.clock())
    _next(stage, use, step, ways, staff)
    assert wrong(stage) == set()


def _next(stage: Stage, use: int, step: int, ways: list[str], staff: dict[str, int]) -> None:
    if step < 3:
        passed(stage, use, ways[step], staff=staff)
    else:
        paid(stage, use, staff)


@pytest.mark.parametrize("name", ["submitted", "funding", "frozen", "reporting", "completed", "cancelled"])
def test_nobody_asks_while_gifts_come_in_or_once_it_is_over(stage: Stage, staff: dict[str, int], name: str) -> None:
    number = funded(stage, 10_000, holder=staff["holder"])
    fixed(stage, number)
    with at(stage) as db:
        db.execute(update(Appeal).where(Appeal.id == number).values(state=name, was="funded"))
    with pytest.raises(NotSpendable):
        asked(stage, number, 100)


# The bank


def test_a_bank_pays_only_what_has_reached_it(stage: Stage, staff: dict[str, int]) -> None:
    number = funded(stage, 10_000, holder=staff["holder"], settled=False)
    fixed(stage, number)
    stage.clock.move(WAITING_PERIOD)
    use = asked(stage, number, 6_000)
    passed(stage, use, "endorser", "township", "holder", staff=staff)
    with pytest.raises(PayoutShort) as lacks:
        paid(stage, use, staff)
    assert lacks.value.values["held_fen"] == 0
    assert state(stage, use) == "authorised"
    with at(stage) as db:
        holder = db.get_one(Staff, staff["holder"])
        with pytest.raises(ChannelShort) as short:
            enter(db, holder, "s0", BankTransfer("settlement", 10_001, "B-0"), stage.clock())
        assert short.value.values["held_fen"] == 10_000
    with at(stage) as db:
        holder = db.get_one(Staff, staff["holder"])
        enter(db, holder, "s1", BankTransfer("settlement", 10_000, "B-1", 60), stage.clock())
        enter(db, holder, "s1", BankTransfer("settlement", 10_000, "B-1", 60), stage.clock())
        with pytest.raises(ReferenceUsed):
            enter(db, holder, "s2", BankTransfer("settlement", 1, "B-1"), stage.clock())
    paid(stage, use, staff)
    assert wrong(stage) == set()


def test_what_the_bank_gives_back_is_held_again_and_every_gift_has_it_back(stage: Stage, staff: dict[str, int]) -> None:
    number, use = authorised(stage, 10_000, 5_000, fen=15_000, staff=staff)
    paid(stage, use, staff)
    with at(stage) as db:
        holder, user = db.get_one(Staff, staff["holder"]), owner_of(db, db.get_one(Appeal, number))
        with pytest.raises(WrongState):
            enter_return(db, holder, use, stage.clock())
        answer(db, user, db.get_one(Disbursement, use).code, "not_received", stage.clock())
    with at(stage) as db:
        enter_return(db, db.get_one(Staff, staff["holder"]), use, stage.clock())
        assert held(db, [number])[number] == 15_000
        assert shares_of(db, use) == []
        assert set(db.scalars(select(Pledge.state))) == {"committed"}
    assert wrong(stage) == set()


# Whom it goes to


def test_a_payee_stands_still_for_two_days_before_anything_goes_there(stage: Stage, staff: dict[str, int]) -> None:
    number = funded(stage, 10_000, holder=staff["holder"])
    fixed(stage, number)
    use = asked(stage, number, 4_000)
    passed(stage, use, "endorser", "township", "holder", staff=staff)
    stage.clock.move(WAITING_PERIOD - timedelta(seconds=1))
    with pytest.raises(PayeeTooNew):
        paid(stage, use, staff)
    stage.clock.move(timedelta(seconds=1))
    paid(stage, use, staff)
    assert state(stage, use) == "paid"


def test_another_account_begins_the_two_days_anew_and_everybody_who_passed_it_looks_again(
    stage: Stage, staff: dict[str, int]
) -> None:
    number, use = authorised(stage, 10_000, fen=4_000, staff=staff)
    with at(stage) as db:
        [old] = payees_of(db, number)
        assert old.confirmed_by == staff["endorser"]
    fixed(stage, number, replaces=old.id)
    with at(stage) as db:
        disbursement = db.get_one(Disbursement, use)
        assert (disbursement.state, disbursement.round) == ("requested", 2)
        assert disbursement.endorsed_by is disbursement.approved_by is disbursement.authorised_by is None
        [new] = payees_of(db, number)
        assert disbursement.payee_id == new.id != old.id
        assert new.confirmed_by is None
        assert find_task(db, "disbursement", use) is None
        told = facts_of(db, "payee_changed")
        assert sorted(bool(facts["staff"]) for facts in told) == [False, True]
        assert all(facts["tail"] == "0011" for facts in told)
    with pytest.raises(NotYourTurn):
        paid(stage, use, staff)
    assert wrong(stage) == set()


@pytest.mark.parametrize("change", [{"fixed_at": "earlier"}, {"kind": "village"}], ids=str)
def test_a_payee_is_never_changed_in_its_row(stage: Stage, staff: dict[str, int], change: dict[str, object]) -> None:
    number = funded(stage, 10_000, holder=staff["holder"])
    fixed(stage, number)
    if "fixed_at" in change:
        change = {"fixed_at": stage.clock() - WAITING_PERIOD}
    with pytest.raises(IntegrityError), stage.database.begin() as connection:
        connection.execute(update(Payee).values(**change))


# Whose word


def test_nobody_passes_two_steps_of_one_payment(stage: Stage, staff: dict[str, int]) -> None:
    number = funded(stage, 10_000, holder=staff["holder"])
    fixed(stage, number)
    use = asked(stage, number, 4_000)
    passed(stage, use, "endorser", staff=staff)
    with at(stage) as db:  # moved up: the same person, now of the township
        db.execute(update(Staff).where(Staff.id == staff["endorser"]).values(role="township"))
    with pytest.raises((HasConflict, DecidedBefore)):
        passed(stage, use, "endorser", staff=staff)
    passed(stage, use, "township", staff=staff)
    assert wrong(stage) <= {"other_role"}


@pytest.mark.parametrize(
    "names", [("endorsed_by", "approved_by"), ("endorsed_by", "paid_by"), ("approved_by", "paid_by")]
)
def test_the_table_lets_nobody_be_two_of_the_three(stage: Stage, staff: dict[str, int], names: tuple[str, str]) -> None:
    _, use = authorised(stage, 10_000, fen=4_000, staff=staff)
    with pytest.raises(IntegrityError), stage.database.begin() as connection:
        connection.execute(update(Disbursement).where(Disbursement.id == use).values(**dict.fromkeys(names, 1)))


def test_the_table_takes_nothing_as_paid_that_three_have_not_passed(stage: Stage, staff: dict[str, int]) -> None:
    number = funded(stage, 10_000, holder=staff["holder"])
    fixed(stage, number)
    use = asked(stage, number, 4_000)
    with pytest.raises(IntegrityError), stage.database.begin() as connection:
        connection.execute(update(Disbursement).where(Disbursement.id == use).values(state="paid"))


def test_kin_and_whoever_is_of_another_place_have_no_say(stage: Stage, staff: dict[str, int]) -> None:
    number = funded(stage, 10_000, holder=staff["holder"])
    fixed(stage, number)
    stage.appoint("o-far", "village", LONGHUI)
    with at(stage) as db:
        owner = owner_of(db, db.get_one(Appeal, number))
        record_conflict(db, db.get_one(Staff, staff["endorser"]), "kin", owner.id_number or "", stage.clock())
        far = db.scalars(select(Staff.id).where(Staff.openid == "o-far")).one()
    use = asked(stage, number, 4_000)
    with pytest.raises(HasConflict):
        passed(stage, use, "endorser", staff=staff)
    with pytest.raises(OutsideRegion):
        passed(stage, use, "far", staff={"far": far})


def test_who_did_not_come_to_the_step_does_not_take_it(stage: Stage, staff: dict[str, int]) -> None:
    number = funded(stage, 10_000, holder=staff["holder"])
    fixed(stage, number)
    use = asked(stage, number, 4_000)
    for name in ("township", "county", "holder"):
        with pytest.raises(NotYourTurn):
            passed(stage, use, name, staff=staff)
    with pytest.raises(NotYourTurn):
        paid(stage, use, staff)


@pytest.mark.parametrize("outcome", ["requested", "refused"])
def test_what_is_turned_away_is_told_with_its_reason_and_frees_its_part(
    stage: Stage, staff: dict[str, int], outcome: str
) -> None:
    number = funded(stage, 10_000, holder=staff["holder"])
    fixed(stage, number)
    use = asked(stage, number, 10_000)
    with at(stage) as db:
        endorser = db.get_one(Staff, staff["endorser"])
        turn_away(db, endorser, use, outcome, ("evidence_unclear",), stage.clock())
        [told] = facts_of(db, "disbursement_moved")
        assert (told["state"], told["reasons"]) == (outcome, ["evidence_unclear"])
    if outcome == "requested":
        with at(stage) as db:
            withdraw(db, db.get_one(Disbursement, use), Actor(By.OWNER, "user:1"), stage.clock())
    asked(stage, number, 10_000)
    assert wrong(stage) == set()


# What became of it


def test_a_payment_that_did_not_come_stops_the_appeal_and_the_county_looks(stage: Stage, staff: dict[str, int]) -> None:
    number, use = authorised(stage, 10_000, fen=4_000, staff=staff)
    paid(stage, use, staff)
    with at(stage) as db:
        user, code = owner_of(db, db.get_one(Appeal, number)), db.get_one(Disbursement, use).code
        answer(db, user, code, "not_received", stage.clock())
        answer(db, user, code.lower(), "not_received", stage.clock())
        with pytest.raises(AnsweredBefore):
            answer(db, user, code, "received", stage.clock())
        assert db.get_one(Appeal, number).state == "frozen"
        task = find_task(db, "disbursement", use)
        assert task is not None
        assert (task.step, task.role) == ("use_doubt", "county")
    assert wrong(stage) == set()
    with at(stage) as db:
        settle_doubt(db, db.get_one(Staff, staff["county"]), use, stage.clock())
        assert db.get_one(Disbursement, use).state == "received"
        assert db.get_one(Appeal, number).state == "frozen"
    assert wrong(stage) == set()


def test_what_is_odd_about_a_payment_is_the_countys_and_stops_nothing(stage: Stage, staff: dict[str, int]) -> None:
    number, use = authorised(stage, 10_000, fen=4_000, staff=staff)
    paid(stage, use, staff)
    with at(stage) as db:
        user, code = owner_of(db, db.get_one(Appeal, number)), db.get_one(Disbursement, use).code
        answer(db, user, code, "asked_back", stage.clock())
        assert db.get_one(Appeal, number).state == "executing"
        assert db.get_one(Disbursement, use).issue == "asked_back"
        task = find_task(db, "disbursement", use)
        assert task is not None
        assert task.step == "use_doubt"
    assert wrong(stage) == set()


def test_another_household_hears_of_a_code_as_of_none(stage: Stage, staff: dict[str, int]) -> None:
    _, use = authorised(stage, 10_000, fen=4_000, staff=staff)
    other = stage.register("o-other", "resident")
    with at(stage) as db:
        code, user = db.get_one(Disbursement, use).code, db.get_one(User, other)
        owner = owner_of(db, db.get_one(Appeal, db.get_one(Disbursement, use).appeal_id))
        for who, said in ((user, code), (owner, "NOSUCH22"), (owner, code)):  # the last: not paid yet
            with pytest.raises(NoSuchPayout):
                answer(db, who, said, "received", stage.clock())


def test_a_call_is_somebody_elses_and_weighs_more_than_a_tap(stage: Stage, staff: dict[str, int]) -> None:
    sampled = None
    number, use = authorised(stage, *[10_000] * 10, fen=1_000, staff=staff)
    for _ in range(60):  # one of five
        paid(stage, use, staff)
        with at(stage) as db:
            sampled = db.get_one(Disbursement, use).sampled
        if sampled:
            break
        use = asked(stage, number, 1_000)
        passed(stage, use, "endorser", "township", "holder", staff=staff)
    assert sampled
    with at(stage) as db:
        task = find_task(db, "disbursement", use)
        assert task is not None
        assert (task.step, task.assignee) == ("use_call", staff["caller"])
        with pytest.raises(HasConflict):
            record_call(db, db.get_one(Staff, staff["township"]), use, "received", stage.clock())
        user, code = owner_of(db, db.get_one(Appeal, number)), db.get_one(Disbursement, use).code
        answer(db, user, code, "received", stage.clock())
    with at(stage) as db:
        record_call(db, db.get_one(Staff, staff["caller"]), use, "not_received", stage.clock())
        assert db.get_one(Disbursement, use).state == "not_received"
        assert db.get_one(Appeal, number).state == "frozen"
    assert wrong(stage) == set()


def test_receipts_that_never_come_stop_the_appeal_after_a_reminder(stage: Stage, staff: dict[str, int]) -> None:
    number, use = authorised(stage, 10_000, fen=4_000, staff=staff)
    paid(stage, use, staff)
    _days(stage, 22)
    assert _look(stage) == 0
    _days(stage, 2)
    assert _look(stage) == 1
    assert _look(stage) == 0
    with at(stage) as db:
        assert [facts["overdue"] for facts in facts_of(db, "receipts_due")] == [False]
        assert db.get_one(Appeal, number).state == "executing"
    _days(stage, 7)
    assert _look(stage) == 1
    assert _look(stage) == 0
    with at(stage) as db:
        assert db.get_one(Appeal, number).state == "frozen"
        hand_in_receipts(db, use, [{"media_id": "r", "pic_url": "http://127.0.0.1/r.jpg"}], 1, stage.clock())
    assert wrong(stage) == set()


def _days(stage: Stage, days: int) -> None:
    stage.clock.move(timedelta(days=days))


def _look(stage: Stage) -> int:
    with at(stage) as db:
        return enforce_receipt_deadlines(db, stage.clock())


def test_who_tells_nothing_for_three_months_stands_in_no_list(stage: Stage, staff: dict[str, int]) -> None:
    number, use = authorised(stage, 10_000, fen=4_000, staff=staff)
    paid(stage, use, staff)
    stage.clock.move(EVERY - timedelta(days=14))
    with at(stage) as db:
        assert remind_owners(db, stage.clock()) == 1
        assert remind_owners(db, stage.clock()) == 0
        assert not is_update_overdue(db.get_one(Appeal, number), stage.clock())
    _days(stage, 14)
    with at(stage) as db:
        assert remind_owners(db, stage.clock()) == 1
        assert remind_owners(db, stage.clock()) == 0
        appeal = db.get_one(Appeal, number)
        assert is_update_overdue(appeal, stage.clock())
        assert db.scalars(select(Appeal.id).where(update_not_overdue(stage.clock()))).all() == []
        assert sorted(bool(facts["overdue"]) for facts in facts_of(db, "update_due")) == [False, True]
    reply = stage.say("o-anybody", f"看 {number}")
    assert "三个月没有说进展，先不在求助列表里。说了进展、村里看过，就回到列表" in reply
    assert f"回复“进展 {number}”说一说" in stage.say("o-owner-0", f"看 {number}")


def test_the_day_that_an_owner_hears_is_chinas(stage: Stage, staff: dict[str, int]) -> None:
    stage.clock.move(timedelta(hours=15))  # past midnight in China
    _, use = authorised(stage, 10_000, fen=4_000, staff=staff)
    paid(stage, use, staff)
    due = stage.clock() + EVERY
    stage.clock.move(EVERY - timedelta(days=14))
    with at(stage) as db:
        remind_owners(db, stage.clock())
        assert [facts["day"] for facts in facts_of(db, "update_due")] == [f"{due + timedelta(hours=8):%Y-%m-%d}"]
    assert (due + timedelta(hours=8)).date() != due.date()


def test_a_gift_on_its_way_back_gives_nothing(stage: Stage, staff: dict[str, int]) -> None:
    number, use = authorised(stage, 10_000, 10_000, fen=5_000, staff=staff)
    with at(stage) as db:
        first = db.scalars(select(Pledge).order_by(Pledge.id)).first()
        assert first is not None
        moves.refund_owed(db, number, 10_000, "refund:1", stage.clock())
        db.execute(update(Pledge).where(Pledge.id == first.id).values(state="refund_pending"))
    paid(stage, use, staff)
    with at(stage) as db:
        assert shares_of(db, use) == [5_000]


def test_what_a_pool_added_gives_its_part_and_no_gift_does_for_it(stage: Stage, staff: dict[str, int]) -> None:
    number = funded(stage, 10_000, 10_000, holder=staff["holder"])
    with at(stage) as db:
        moves.pool_funded(db, 1, int("431124000000"), 20_000, "pool:1", stage.clock())
        gift_postings.matched(db, 1, number, 20_000, "match:1", stage.clock())
    fixed(stage, number)
    stage.clock.move(WAITING_PERIOD)
    use = asked(stage, number, 9_999)
    passed(stage, use, "endorser", "township", "holder", staff=staff)
    paid(stage, use, staff)
    with at(stage) as db:
        matched = db.get_one(Disbursement, use).matched_fen or 0
        assert matched + sum(shares_of(db, use)) == 9_999
        assert matched in (4_999, 5_000)
    assert wrong(stage) == set()


def test_of_an_owner_who_is_gone_nothing_more_is_paid_and_payees_that_had_nothing_are_nameless(
    stage: Stage, staff: dict[str, int]
) -> None:
    number, use = authorised(stage, 10_000, fen=4_000, staff=staff)
    paid(stage, use, staff)
    fixed(stage, number, kind="school")
    waits = asked(stage, number, 1_000)
    with at(stage) as db:
        owner = db.get_one(Appeal, number).owner_id
        erase_person(db, db.scalars(select(Conversation.id).where(Conversation.user_id == owner)).one(), stage.clock())
    assert (state(stage, waits), state(stage, use)) == ("withdrawn", "paid")
    with at(stage) as db:
        for each_use, gone in ((use, False), (waits, True)):
            theirs = (Photo.subject == "disbursement") & (Photo.subject_id == each_use)
            kept = db.scalars(select(Photo.state).where(theirs)).all()
            assert kept
            assert {each == "gone" for each in kept} == {gone}
        assert [payee.name is None for payee in payees_of(db, number)] == [False, True]
        assert db.get_one(Appeal, number).state == "frozen"
    assert wrong(stage) == set()
