"""Pools add to gifts as far as every cap, their money and the appeal's room leave, and have it back with the gift."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.disbursements.confirmation import NOT_RECEIVED, answer
from models.disbursements.disbursement import Disbursement
from models.disbursements.payee import WAITING_PERIOD
from models.giving.allocation import DisbursementShare
from models.giving.funding import end_funding
from models.giving.pledge import Pledge, Raised, raised
from models.giving.pool import MatchingPool, NoSuchPool, PoolMatch, WrongPoolState
from models.giving.pool_terms import NotForAppeal, PlaceElsewhere, PoolEnds, PoolTerms, close_pool, open_pool
from models.giving.pool_transfer import OverPool, PoolEmpty, check_pays_back, pay_back, pay_in
from models.giving.refund_run import RefundRun
from models.ledger import moves, totals
from models.ledger.errors import PayoutShort, ReferenceUsed
from models.notifications.notification import Notification
from models.payments.collection import PaymentOutcome, room
from models.payments.payout_return import enter_return
from models.payments.refund import Refund
from models.staff.member import Staff
from models.treasury.bank_entry import BankTransfer, enter
from tests.harness.stage import Stage
from tests.scenes.money import disbursements, matching
from tests.scenes.money.gifts import give, later, ordered, payment_of, promise, state_of, take
from tests.scenes.money.matching import (
    COUNTY,
    QINGTANG,
    added,
    cancel,
    charity,
    in_pool,
    matched_by,
    pool,
    put,
    shut,
    take_rest,
    wrong_books,
)
from tests.scenes.money.refunds import fail_and_plan, spend, want_back


@pytest.fixture
def staff(stage: Stage) -> int:
    return charity(stage)


def told(stage: Stage, template: str) -> list[dict[str, Any]]:
    with Database(stage.database) as db:
        rows = db.scalars(select(Notification.facts).where(Notification.template == template).order_by(Notification.id))
        return [json.loads(row) for row in rows]


def test_a_gift_is_matched_yuan_for_yuan_and_everybody_is_told(stage: Stage, staff: int) -> None:
    appeal = stage.open_appeal()
    number = pool(stage, staff)
    gift = give(stage, appeal, 10_000)
    assert (added(stage, gift), in_pool(stage, number), matched_by(stage, number)) == (10_000, 90_000, 10_000)
    with Database(stage.database) as db:
        assert (totals(db, appeal).paid, totals(db, appeal).matched) == (10_000, 10_000)
        assert raised(db, [appeal])[appeal].facts == {"raised_fen": 20_000, "paid_fen": 20_000, "gifts": 1}
    assert told(stage, "payment_received")[0]["matches"] == [[matching.SPONSOR, 10_000]]
    family = told(stage, "pledged")[0]
    assert (family["amount_fen"], family["matched_fen"], family["raised_fen"]) == (10_000, 10_000, 20_000)
    assert wrong_books(stage) == []


@pytest.mark.parametrize(
    ("terms", "gifts", "wanted"),
    [
        ({"cap": 15_000}, [("oA", 10_000), ("oB", 10_000), ("oC", 100)], [10_000, 5_000, 0]),
        ({"per_donor": 12_000}, [("oA", 10_000), ("oA", 10_000), ("oB", 500)], [10_000, 2_000, 500]),
        ({"per_appeal": 10_300}, [("oA", 10_000), ("oB", 10_000)], [10_000, 300]),
        ({"paid": 700}, [("oA", 500), ("oB", 500)], [500, 200]),
        ({"cap": 100_000, "paid": 0}, [("oA", 500)], [0]),
    ],
    ids=["pool", "donor", "appeal", "money", "nothing paid in"],
)
def test_no_cap_is_passed(stage: Stage, staff: int, terms: Any, gifts: Any, wanted: list[int]) -> None:
    appeal = stage.open_appeal()
    pool(stage, staff, **terms)
    assert [added(stage, give(stage, appeal, fen, donor)) for donor, fen in gifts] == wanted
    assert wrong_books(stage) == []


def test_the_cap_of_a_pool_holds_whatever_is_on_its_account(stage: Stage, staff: int) -> None:
    """More than its sponsor has promised cannot be entered; were it there all the same, it would not be added."""
    appeals = [stage.open_appeal() for _ in range(3)]
    number = pool(stage, staff, cap=5_000)
    with Database(stage.database) as db, db.begin():
        moves.pool_funded(db, number, int(COUNTY), 9_000, "test:1", stage.clock())
    gifts = [give(stage, appeal, 4_000, f"oDonor{appeal}") for appeal in appeals]
    assert [added(stage, gift) for gift in gifts] == [4_000, 1_000, 0]


def test_a_settled_gift_has_a_fen_of_its_match_left_that_goes_back(stage: Stage, staff: int) -> None:
    """Rounding down may leave it; whatever ends the appeal gives it back."""
    appeal = stage.open_appeal()
    number = pool(stage, staff, cap=101)
    gift = give(stage, appeal, 101)
    spend(stage, appeal, 201, int(COUNTY))
    assert state_of(stage, Pledge, gift) == "settled"
    cancel(stage, appeal)
    assert (in_pool(stage, number), matched_by(stage, number)) == (1, 100)
    with Database(stage.database) as db:
        assert totals(db, appeal).held == 0
    assert wrong_books(stage) == []


def test_that_fen_is_spent_with_the_next_payment(stage: Stage, staff: int) -> None:
    appeal = stage.open_appeal()
    number = pool(stage, staff, cap=101)
    give(stage, appeal, 101)
    spend(stage, appeal, 201, int(COUNTY))
    spend(stage, appeal, 1, int(COUNTY))
    with Database(stage.database) as db:
        shares = db.scalars(select(DisbursementShare).order_by(DisbursementShare.disbursement_id)).all()
        assert [(share.amount_fen, share.matched_fen) for share in shares] == [(101, 100), (0, 1)]
    assert in_pool(stage, number) == 0
    assert wrong_books(stage) == []


def test_nothing_goes_back_of_an_appeal_whose_matches_are_all_spent(stage: Stage, staff: int) -> None:
    appeal = stage.open_appeal()
    pool(stage, staff, cap=101)
    give(stage, appeal, 101)
    spend(stage, appeal, 202, int(COUNTY))
    cancel(stage, appeal)
    with Database(stage.database) as db:
        assert db.scalars(select(RefundRun)).all() == []


def test_what_the_appeal_has_room_for_is_added_and_then_it_is_funded(stage: Stage, staff: int) -> None:
    appeal = stage.open_appeal(target_fen=30_000)
    number = pool(stage, staff)
    gifts = [give(stage, appeal, 10_000, "oA"), give(stage, appeal, 6_000, "oB")]
    assert [added(stage, gift) for gift in gifts] == [10_000, 4_000]
    assert matching.state_of_appeal(stage, appeal) == "funded"
    with Database(stage.database) as db:
        assert totals(db, appeal).public == 30_000
    assert told(stage, "milestone")[-1]["percent"] == 100
    assert in_pool(stage, number) == 86_000
    assert wrong_books(stage) == []


def test_a_match_makes_the_milestone_that_the_gift_alone_would_not(stage: Stage, staff: int) -> None:
    appeal = stage.open_appeal(target_fen=30_000)
    pool(stage, staff)
    give(stage, appeal, 8_000)
    assert [facts["percent"] for facts in told(stage, "milestone")] == [50]


def test_matched_money_counts_when_the_days_are_over(stage: Stage, staff: int) -> None:
    """¥1 short of the target cannot be given any more; with it, it is funded."""
    appeal = stage.open_appeal(target_fen=20_000)
    pool(stage, staff, cap=9_950)
    give(stage, appeal, 10_000)
    assert matching.state_of_appeal(stage, appeal) == "funded"
    other = stage.open_appeal(target_fen=20_000)
    give(stage, other, 10_000)
    later(stage, days=61)
    with Database(stage.database) as db, db.begin():
        end_funding(db, stage.clock())
    assert matching.state_of_appeal(stage, other) == "failed"


def test_two_pools_add_no_more_than_the_gift_the_older_first(stage: Stage, staff: int) -> None:
    appeal = stage.open_appeal()
    older, newer = pool(stage, staff, cap=6_000), pool(stage, staff, appeal=appeal, per_donor=50_000)
    gift = give(stage, appeal, 10_000)
    assert [matched_by(stage, number) for number in (older, newer)] == [6_000, 4_000]
    want_back(stage, gift)
    assert [in_pool(stage, number) for number in (older, newer)] == [6_000, 100_000]
    assert wrong_books(stage) == []


@pytest.mark.parametrize("how", ["another appeal", "another place", "another need", "closed", "over", "late gift"])
def test_what_a_pool_is_not_for_it_adds_nothing_to(stage: Stage, staff: int, how: str) -> None:
    appeal, other = stage.open_appeal(), stage.open_appeal()
    region = QINGTANG if how == "another place" else COUNTY
    number = pool(stage, staff, appeal=other if how == "another appeal" else None, region=region)
    if how == "another need":
        with Database(stage.database) as db, db.begin():
            db.execute(update(MatchingPool).values(matched_fen=0))
            terms = PoolTerms("p", "S", None, "medical", COUNTY, 100, 100, 100, stage.clock())
            open_pool(db, db.get_one(Staff, staff), terms, stage.clock())
        shut(stage, staff, number)
    if how == "closed":
        shut(stage, staff, number)
    if how == "over":
        later(stage, days=31)
    pledge = promise(stage, appeal, 10_000)
    order = ordered(stage, pledge)
    if how == "late gift":
        give(stage, appeal, 500_000 - 10_000, "oOther")
        assert take(stage, payment_of(stage, order)).outcome is PaymentOutcome.REFUND_OWED
    else:
        assert take(stage, payment_of(stage, order)).outcome is PaymentOutcome.COMMITTED
    assert added(stage, pledge) == 0


def test_the_match_goes_back_with_the_gift_and_may_be_given_again(stage: Stage, staff: int) -> None:
    appeal = stage.open_appeal()
    number = pool(stage, staff, cap=10_000)
    gift = give(stage, appeal, 10_000)
    want_back(stage, gift)
    assert (in_pool(stage, number), matched_by(stage, number), added(stage, gift)) == (10_000, 0, 0)
    with Database(stage.database) as db:
        assert (totals(db, appeal).matched, totals(db, appeal).public) == (0, 0)
        assert raised(db, [appeal])[appeal] == Raised(0, 0, 0, 0)
    assert added(stage, give(stage, appeal, 10_000, "oB")) == 10_000
    assert wrong_books(stage) == []


def test_what_was_paid_out_of_a_match_stays_spent(stage: Stage, staff: int) -> None:
    appeal = stage.open_appeal()
    number = pool(stage, staff, cap=5_000)
    gift, other = give(stage, appeal, 10_000, "oA"), give(stage, appeal, 3_001, "oB")
    assert (added(stage, gift), added(stage, other)) == (5_000, 0)
    spend(stage, appeal, 6_000, int(COUNTY))  # of 18,001: a third of each, and of the match with them
    refund = want_back(stage, gift)
    assert refund.amount_fen in (6_666, 6_667)
    assert in_pool(stage, number) in (3_333, 3_334)
    with Database(stage.database) as db:
        assert room(db, db.get_one(Appeal, appeal)) == 500_000 - totals(db, appeal).public
    assert wrong_books(stage) == []


@pytest.mark.parametrize("how", [cancel, fail_and_plan])
def test_an_appeal_that_comes_to_nothing_gives_all_its_matches_back(stage: Stage, staff: int, how: Any) -> None:
    appeal = stage.open_appeal()
    number = pool(stage, staff, per_donor=4_000)
    gifts = [give(stage, appeal, fen, donor) for donor, fen in (("oA", 3_000), ("oA", 3_000), ("oB", 999))]
    spend(stage, appeal, 5_003, int(COUNTY))
    how(stage, appeal)
    assert [state_of(stage, Pledge, gift) for gift in gifts] == ["refund_pending"] * 3
    with Database(stage.database) as db:
        assert totals(db, appeal).held == 0
        matched = totals(db, appeal).matched
    assert in_pool(stage, number) == 100_000 - matched
    assert wrong_books(stage) == []


def test_a_gift_that_is_handed_on_is_matched_where_it_comes_to(stage: Stage, staff: int) -> None:
    from models.payments.redirection import redirect

    before, after = stage.open_appeal(), stage.open_appeal()
    first, second = pool(stage, staff, appeal=before), pool(stage, staff, appeal=after, cap=4_000)
    gift = give(stage, before, 10_000)
    with Database(stage.database) as db, db.begin():
        db.get_one(Pledge, gift).fallback = "similar"
    cancel(stage, before)
    assert in_pool(stage, first) == 100_000
    with Database(stage.database) as db, db.begin():
        new = redirect(db, db.scalars(select(Refund.id)).one(), stage.clock())
        assert new is not None
        number = new.id
    assert (added(stage, number), in_pool(stage, second)) == (4_000, 0)
    assert told(stage, "redirected")[0]["matches"] == [[matching.SPONSOR, 4_000]]
    assert wrong_books(stage) == []


def test_what_the_bank_gives_back_of_a_match_whose_gift_is_gone_goes_to_its_pool(stage: Stage) -> None:
    """Both halves of a payment that came back: the gift's is held for the appeal, its match is the pool's."""
    seats = disbursements.people(stage)
    appeal = stage.open_appeal(target_fen=30_000)
    number = pool(stage, seats["holder"], appeal=appeal)
    gift, other = give(stage, appeal, 10_000, "oA"), give(stage, appeal, 5_000, "oB")
    with Database(stage.database) as db, db.begin():
        enter(db, db.get_one(Staff, seats["holder"]), "s", BankTransfer("settlement", 15_000, "BANK01"), stage.clock())
    disbursements.fixed(stage, appeal)
    stage.clock.move(WAITING_PERIOD)
    use = disbursements.asked(stage, appeal, 12_000)
    disbursements.passed(stage, use, "endorser", "township", "holder", staff=seats)
    disbursements.paid(stage, use, seats)
    want_back(stage, gift)
    assert in_pool(stage, number) == 85_000 + 6_000
    with Database(stage.database) as db, db.begin():
        code = db.get_one(Disbursement, use).code
        owner = disbursements.owner_of(db, db.get_one(Appeal, appeal))
        answer(db, owner, code, NOT_RECEIVED, stage.clock())
    with Database(stage.database) as db, db.begin():
        enter_return(db, db.get_one(Staff, seats["holder"]), use, stage.clock())
    assert in_pool(stage, number) == 85_000 + 10_000
    assert (added(stage, gift), added(stage, other)) == (0, 5_000)
    assert [one for one in wrong_books(stage) if "match" in one or "pool" in one] == []


def test_the_sponsor_has_the_rest_back_and_what_comes_later_too(stage: Stage, staff: int) -> None:
    appeal = stage.open_appeal()
    number = pool(stage, staff, cap=50_000)
    gift = give(stage, appeal, 10_000)
    with pytest.raises(WrongPoolState):
        take_rest(stage, staff, number, 40_000)
    shut(stage, staff, number)
    take_rest(stage, staff, number, 40_000)
    with pytest.raises(PoolEmpty):
        take_rest(stage, staff, number, 1)
    with pytest.raises(WrongPoolState):
        put(stage, staff, number, 1)
    with pytest.raises(WrongPoolState):
        shut(stage, staff, number)
    want_back(stage, gift)
    assert in_pool(stage, number) == 10_000
    with pytest.raises(PoolEmpty):
        take_rest(stage, staff, number, 10_001)
    take_rest(stage, staff, number, 10_000)
    assert in_pool(stage, number) == 0
    assert wrong_books(stage) == []


def test_a_pool_is_nobody_elses(stage: Stage, staff: int) -> None:
    number = pool(stage, staff)
    other = charity(stage, "o-other", "430524000000")
    with Database(stage.database) as db:
        stranger, now = db.get_one(Staff, other), stage.clock()
        for act in (
            lambda: pay_in(db, stranger, number, "x", 1, "X001", now),
            lambda: close_pool(db, stranger, number, now),
            lambda: pay_back(db, stranger, number, "x", 1, "X001", now),
        ):
            with pytest.raises(NoSuchPool):
                act()


def test_what_a_pool_may_not_be(stage: Stage, staff: int) -> None:
    appeal, now = stage.open_appeal(), stage.clock()
    far = charity(stage, "o-other", "430524000000")

    def opened(by: int, number: int | None, region: str | None, days: int = 30) -> None:
        category, until = None if number else "industry", now + timedelta(days=days)
        terms = PoolTerms(f"p{days}", "商会", number, category, region, 100, 100, 100, until)
        with Database(stage.database) as db, db.begin():
            open_pool(db, db.get_one(Staff, by), terms, now)

    for region in ("430524000000", "430000000000"):
        with pytest.raises(PlaceElsewhere):
            opened(staff, None, region)
    for by, number in ((far, appeal), (staff, 999)):
        with pytest.raises(NotForAppeal):
            opened(by, number, None)
    with pytest.raises(PoolEnds):
        opened(staff, appeal, None, days=90)
    cancel(stage, appeal)
    with pytest.raises(NotForAppeal):
        opened(staff, appeal, None)


def test_money_of_a_pool_is_entered_once_and_no_more_than_its_cap(stage: Stage, staff: int) -> None:
    number = pool(stage, staff, cap=1_000, paid=600)
    with Database(stage.database) as db, db.begin():
        one, now = db.get_one(Staff, staff), stage.clock()
        with pytest.raises(OverPool) as refused:
            pay_in(db, one, number, "a", 401, "REF1", now)
        assert refused.value.values["left_fen"] == 400
        first = pay_in(db, one, number, "a", 300, "REF1", now)
        assert pay_in(db, one, number, "a", 300, "REF1", now) is first
        with pytest.raises(ReferenceUsed):
            pay_in(db, one, number, "b", 50, "REF1", now)
    assert in_pool(stage, number) == 900
    assert wrong_books(stage) == []


def test_money_that_is_not_at_the_bank_is_not_paid_back(stage: Stage) -> None:
    """Of what a sponsor paid in, all was paid out for gifts that the channel has yet to settle."""
    seats = disbursements.people(stage)
    appeal = stage.open_appeal(target_fen=20_000)
    number = pool(stage, seats["holder"], cap=20_000, appeal=appeal)
    give(stage, appeal, 10_000)
    disbursements.fixed(stage, appeal)
    stage.clock.move(WAITING_PERIOD)
    use = disbursements.asked(stage, appeal, 15_000)
    disbursements.passed(stage, use, "endorser", "township", "holder", staff=seats)
    disbursements.paid(stage, use, seats)
    shut(stage, seats["holder"], number)
    with Database(stage.database) as db, pytest.raises(PayoutShort) as refused:
        check_pays_back(db, db.get_one(Staff, seats["holder"]), number)
    assert refused.value.values["held_fen"] == 5_000


@pytest.mark.parametrize(
    "change", [{"cap_fen": 1}, {"per_donor_fen": 1}, {"sponsor": "x"}, {"matched_fen": 999_999_999}], ids=str
)
def test_the_terms_of_a_pool_never_change(stage: Stage, staff: int, change: dict[str, Any]) -> None:
    pool(stage, staff)
    with pytest.raises(IntegrityError), stage.database.begin() as connection:
        connection.execute(update(MatchingPool).values(**change))


def test_a_match_stays_what_it_was(stage: Stage, staff: int) -> None:
    appeal = stage.open_appeal()
    pool(stage, staff)
    give(stage, appeal, 10_000)
    for change in ({"fen": 1}, {"returned_fen": 10_001}):
        with pytest.raises(IntegrityError), stage.database.begin() as connection:
            connection.execute(update(PoolMatch).values(**change))
