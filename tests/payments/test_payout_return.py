"""What the bank gives back: by whom it may be said, whatever else happens to its gifts, and of an appeal that ended."""

from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import select

from models.appeals.appeal import Appeal, get_appeal
from models.appeals.review import cancel_frozen
from models.disbursements.confirmation import answer
from models.disbursements.disbursement import Disbursement
from models.giving.pledge import Pledge
from models.ledger import held
from models.payments import refund_run
from models.payments.payout_return import enter_return
from models.payments.refund import Refund
from models.staff.conflict_of_interest import record_conflict
from models.staff.member import Staff
from models.staff.turn import HasConflict
from models.treasury.bank_entry import BankTransfer, enter
from tests.harness.racing import assert_books_close, at_once, patient
from tests.harness.stage import Stage
from tests.scenes.money.disbursements import at, authorised, owner_of, paid, people, state, wrong
from tests.scenes.money.refunds import hear, news_of, plan, runs, want_back


def not_received(stage: Stage, staff: dict[str, int], *gifts: int, fen: int) -> tuple[int, int]:
    """(appeal, payment), of which its owner says that it did not come."""
    number, use = authorised(stage, *gifts, fen=fen, staff=staff)
    paid(stage, use, staff)
    with at(stage) as db:
        owner = owner_of(db, db.get_one(Appeal, number))
        answer(db, owner, db.get_one(Disbursement, use).code, "not_received", stage.clock())
    return number, use


def bounce(stage: Stage, staff: dict[str, int], use: int) -> None:
    with at(stage) as db:
        enter_return(db, db.get_one(Staff, staff["holder"]), use, stage.clock())


def cancel(stage: Stage, staff: dict[str, int], number: int) -> None:
    with at(stage) as db:
        cancel_frozen(db, db.get_one(Staff, staff["county"]), number, "other", stage.clock())


def gifts_of(stage: Stage, appeal: int) -> dict[int, str]:
    with at(stage) as db:
        gifts = select(Pledge.id, Pledge.state).where(Pledge.appeal_id == appeal).order_by(Pledge.id)
        return {row.id: row.state for row in db.execute(gifts)}


def put_with_channel(stage: Stage, staff: dict[str, int], fen: int) -> None:
    with at(stage) as db:
        enter(db, db.get_one(Staff, staff["holder"]), "top-up", BankTransfer("top_up", fen, "TOP-1"), stage.clock())


# --- By whom


def test_nobody_says_so_of_their_kins_money(stage: Stage) -> None:
    staff = people(stage)
    number, use = not_received(stage, staff, 10_000, fen=10_000)
    with at(stage) as db:
        kin = owner_of(db, get_appeal(db, number)).id_number
        assert kin
        record_conflict(db, db.get_one(Staff, staff["holder"]), "kin", kin, stage.clock())
    with pytest.raises(HasConflict):
        bounce(stage, staff, use)
    stage.say("o-holder", f"看 用款 {use}")
    for word in ("1", "确认"):
        stage.say("o-holder", word)
    assert state(stage, use) == "not_received"


# --- Together with what the platform says of the same gifts


def test_its_gifts_refund_is_heard_of_at_the_same_time(new_database: Callable[[], str]) -> None:
    """Who holds the ledger's accounts waits for no gift that another holds."""
    stage = patient(Stage(new_database()))
    try:
        staff = people(stage)
        number, use = not_received(stage, staff, *[1_000] * 12, fen=6_000)
        put_with_channel(stage, staff, 6_000)
        gifts = list(gifts_of(stage, number))
        news = [news_of(stage, want_back(stage, pledge)) for pledge in gifts[:10]]
        acts: list[Callable[[], object]] = [partial(hear, stage, each) for each in news]
        acts.insert(5, partial(bounce, stage, staff, use))
        assert [each for each in at_once(acts) if isinstance(each, Exception)] == []
        assert state(stage, use) == "returned"
        assert list(gifts_of(stage, number).values()) == ["refunded"] * 10 + ["committed"] * 2
        with at(stage) as db:
            returned = db.scalars(select(Refund.amount_fen).where(Refund.reason == "returned")).all()
            assert (list(returned), held(db, [number])[number]) == ([500] * 10, 2_000)
        assert_books_close(stage)
    finally:
        stage.close()


# --- Of an appeal that was ended meanwhile


def plan_all(stage: Stage) -> None:
    while any(plan(stage, number) for number in runs(stage)):
        pass


def assert_all_goes_back(stage: Stage, number: int, gifts: int) -> None:
    assert list(gifts_of(stage, number).values()) == ["refund_pending"] * gifts
    with at(stage) as db:
        assert held(db, [number])[number] == 0
    assert runs(stage) == []
    assert wrong(stage) == set()


def test_what_comes_back_after_the_county_cancelled_goes_to_those_who_gave(stage: Stage) -> None:
    """All of it was spent, so that its end began no run."""
    staff = people(stage)
    number, use = not_received(stage, staff, 10_000, 20_000, fen=30_000)
    cancel(stage, staff, number)
    assert runs(stage) == []
    bounce(stage, staff, use)
    plan_all(stage)
    assert_all_goes_back(stage, number, 2)


def test_a_run_that_was_through_begins_anew(stage: Stage) -> None:
    """One gift had gone back in part, and what the bank gave back of it follows; one was spent."""
    staff = people(stage)
    number, use = not_received(stage, staff, 10_000, 20_000, fen=29_999)
    cancel(stage, staff, number)
    plan_all(stage)
    assert runs(stage) == []
    assert sorted(gifts_of(stage, number).values()) == ["refund_pending", "settled"]
    bounce(stage, staff, use)
    assert len(runs(stage)) == 1
    plan_all(stage)
    assert_all_goes_back(stage, number, 2)
    with at(stage) as db:
        assert sum(db.scalars(select(Refund.amount_fen))) == 30_000


def test_one_that_is_past_the_gifts_looks_at_them_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refund_run, "PAGE", 2)
    staff = people(stage)
    number, use = not_received(stage, staff, *[1_000] * 5, fen=4_999)
    cancel(stage, staff, number)
    (run,) = runs(stage)
    for _ in range(2):
        assert plan(stage, run)
    before = list(gifts_of(stage, number).values())
    assert "settled" in before[:4]
    bounce(stage, staff, use)
    plan_all(stage)
    assert_all_goes_back(stage, number, 5)
    with at(stage) as db:
        assert sum(db.scalars(select(Refund.amount_fen))) == 5_000
