"""A payment of an appeal with many gifts: they give page by page past any kill, and nothing goes back meanwhile."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import get_appeal
from models.core.apportionment import split
from models.disbursements.allocation_run import AllocationPending, unfinished_allocations
from models.disbursements.payout import pay
from models.giving.allocation import DisbursementShare
from models.giving.pledge import Pledge
from models.ledger import held, totals
from models.payments.payout_return import continue_allocation, enter_return
from models.payments.refund import Refund
from models.payments.refund_entitlement import request_refund, unspent_of
from models.people.user import User
from models.staff.member import Staff
from models.treasury.bank_entry import BankTransfer, enter
from tests.harness.stage import Stage
from tests.scenes.money.disbursements import asked, at, fixed, funded, give_many, passed, people, wrong
from tests.scenes.money.refunds import hear, news_of

GIFTS, FEN = 1_200, 500
# What check-books says of gifts that nobody has paid.
PAST_THE_DOOR = {"state_differs", "gift_and_payment", "trail_gap"}


@pytest.fixture
def staff(stage: Stage) -> dict[str, int]:
    return people(stage)


@pytest.fixture
def appeal(stage: Stage, staff: dict[str, int]) -> int:
    """Of 1,201 gifts, to a payee that has stood still."""
    number = funded(stage, 1_000_000, holder=staff["holder"])
    with at(stage) as db:
        donor = db.scalars(select(Pledge.donor_id)).first() or 0
        give_many(db, get_appeal(db, number, lock=True), donor, GIFTS, FEN, stage)
    fixed(stage, number)
    stage.clock.move(timedelta(hours=48))
    return number


def spend(stage: Stage, staff: dict[str, int], appeal: int, fen: int, reference: str) -> int:
    """Paid, and nothing of its shares written yet."""
    use = asked(stage, appeal, fen)
    passed(stage, use, "endorser", "township", "holder", staff=staff)
    with at(stage) as db:
        assert pay(db, db.get_one(Staff, staff["holder"]), use, reference, stage.clock())[1]
    return use


def go_on(stage: Stage, use: int) -> int:
    """Until all have given; how many pages that was."""
    pages, more = 0, True
    while more:
        with at(stage) as db:
            more, pages = continue_allocation(db, use, stage.clock()), pages + 1
    return pages


def want_back(stage: Stage, pledge: int) -> Refund:
    with Database(stage.database, expire_on_commit=False) as db, db.begin():
        gift = db.get_one(Pledge, pledge)
        return request_refund(db, db.get_one(User, gift.donor_id), gift.code, stage.clock())


def given(stage: Stage, use: int) -> dict[int, int]:
    with Database(stage.database) as db:
        shares = db.scalars(select(DisbursementShare).where(DisbursementShare.disbursement_id == use))
        return {share.pledge_id: share.amount_fen for share in shares}


def test_gifts_give_page_by_page_and_anybody_goes_on(stage: Stage, staff: dict[str, int], appeal: int) -> None:
    use = spend(stage, staff, appeal, 700_000, "T-1")
    assert given(stage, use) == {}
    assert wrong(stage) <= PAST_THE_DOOR
    with Database(stage.database) as db:
        assert unfinished_allocations(db) == [use]
        weights = {gift.id: gift.amount_fen for gift in db.scalars(select(Pledge).where(Pledge.state == "committed"))}
    with pytest.raises(AllocationPending):
        want_back(stage, 1)
    # Killed in the middle of its first page, and of its second: nothing of it was done.
    for _ in range(2):
        before = given(stage, use)
        with Database(stage.database) as db:
            assert continue_allocation(db, use, stage.clock())
            db.rollback()
        assert given(stage, use) == before
        with at(stage) as db:
            assert continue_allocation(db, use, stage.clock())
        with pytest.raises(AllocationPending):
            want_back(stage, 1)
        assert wrong(stage) <= PAST_THE_DOOR
    assert go_on(stage, use) == 1
    assert given(stage, use) == split(700_000, weights)
    with Database(stage.database) as db:
        assert unfinished_allocations(db) == []
        assert not continue_allocation(db, use, stage.clock())
        assert set(db.scalars(select(Pledge.state))) == {"partly_disbursed"}
    refund = want_back(stage, 1)
    assert refund.amount_fen == weights[1] - split(700_000, weights)[1]
    assert wrong(stage) <= PAST_THE_DOOR


def test_the_next_payment_need_not_wait_and_gives_after_the_first(
    stage: Stage, staff: dict[str, int], appeal: int
) -> None:
    first = spend(stage, staff, appeal, 700_000, "T-1")
    second = spend(stage, staff, appeal, 250_001, "T-2")
    assert wrong(stage) <= PAST_THE_DOOR
    assert go_on(stage, second) == 6
    with Database(stage.database) as db:
        weights = {gift.id: gift.amount_fen for gift in db.scalars(select(Pledge))}
        gave = split(700_000, weights)
        left = {number: fen - gave.get(number, 0) for number, fen in weights.items()}
        lefts = unspent_of(db, db.scalars(select(Pledge)).all())
        assert sum(lefts.values()) == held(db, [appeal])[appeal]
    assert given(stage, first) == gave
    assert given(stage, second) == split(250_001, {number: fen for number, fen in left.items() if fen})
    assert wrong(stage) <= PAST_THE_DOOR


def test_what_the_bank_gives_back_of_a_gift_that_went_back_goes_to_its_donor(
    stage: Stage, staff: dict[str, int], appeal: int
) -> None:
    use = spend(stage, staff, appeal, 700_000, "T-1")
    with stage.database.begin() as connection:
        connection.execute(text("UPDATE disbursements SET state = 'not_received'"))
    with pytest.raises(AllocationPending):
        bounce(stage, staff, use)
    go_on(stage, use)
    share = given(stage, use)[1]
    rest = want_back(stage, 1)
    hear(stage, news_of(stage, rest))
    bounce(stage, staff, use)
    assert unfinished(stage) == [use]
    with at(stage) as db:
        continue_allocation(db, use, stage.clock())
    with Database(stage.database, expire_on_commit=False) as db:  # begun again, it is one refund all the same
        second = db.scalars(select(Refund).where(Refund.reason == "returned")).one()
        assert (second.pledge_id, second.amount_fen, second.disbursement_id) == (1, share, use)
    go_on(stage, use)
    assert given(stage, use) == {}
    with at(stage) as db:  # what was settled has to be put there again
        enter(db, db.get_one(Staff, staff["holder"]), "top-up-1", BankTransfer("top_up", share, "T-3"), stage.clock())
    hear(stage, news_of(stage, second))
    with Database(stage.database) as db:
        assert db.get_one(Refund, second.id).state == "paid"
        assert db.get_one(Pledge, 1).state == "refunded"
        found = totals(db, appeal)
        assert (found.disbursed, found.refunded) == (0, 1_000_000)
        assert found.held == db.scalar(select(func.sum(Pledge.amount_fen)).where(Pledge.id != 1))
        assert set(db.scalars(select(Pledge.state).where(Pledge.id != 1))) == {"committed"}
    # These were written past the moves of a disbursement.
    assert wrong(stage) <= PAST_THE_DOOR | {"task_missing"}
    assert "退到了（银行退回来的）" in stage.say("o-anybody", f"查 {code(stage, 1)}")


def bounce(stage: Stage, staff: dict[str, int], use: int) -> None:
    with at(stage) as db:
        enter_return(db, db.get_one(Staff, staff["holder"]), use, stage.clock())


def code(stage: Stage, pledge: int) -> str:
    with Database(stage.database) as db:
        return db.get_one(Pledge, pledge).code


def unfinished(stage: Stage) -> list[int]:
    with Database(stage.database) as db:
        return unfinished_allocations(db)
