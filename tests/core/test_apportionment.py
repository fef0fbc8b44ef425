"""Parts of a sum: they sum to it, none is more than its weight, and the database divides as the function does."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import get_appeal
from models.core.apportionment import split
from models.disbursements.allocation import allocate_page
from models.disbursements.allocation_run import AllocationRun
from models.giving.allocation import DisbursementShare
from models.giving.pledge import Pledge
from tests.harness.stage import Stage
from tests.harness.tiers import examples
from tests.scenes.money.disbursements import asked, fixed, funded, give_many, people

WEIGHTS = st.dictionaries(st.integers(1, 10**6), st.integers(0, 10**11), min_size=1, max_size=30)


def run_of(use: int, appeal: int, fen: int, held: int) -> AllocationRun:
    """The run of a payment of ``fen``, whatever its disbursement's amount is; it is not in the database."""
    return AllocationRun(disbursement_id=use, appeal_id=appeal, fen=fen, held_fen=held, cursor=0)


@given(WEIGHTS, st.floats(0, 1), st.randoms())
def test_parts_sum_to_it_and_none_is_more_than_its_weight(weights: dict[int, int], share: float, random: Any) -> None:
    fen = min(int(sum(weights.values()) * share), sum(weights.values()))
    parts = split(fen, weights)
    assert sum(parts.values()) == fen
    assert all(0 < part <= weights[key] for key, part in parts.items())
    total = sum(weights.values())
    assert all(abs(parts.get(key, 0) * total - fen * weight) < max(total, 1) for key, weight in weights.items())
    shuffled = list(weights.items())
    random.shuffle(shuffled)
    assert split(fen, dict(shuffled)) == parts


@given(WEIGHTS)
def test_all_of_it_is_every_weight_and_nothing_is_nobodys(weights: dict[int, int]) -> None:
    assert split(sum(weights.values()), weights) == {key: weight for key, weight in weights.items() if weight}
    assert split(0, weights) == {}


@given(WEIGHTS, st.integers(1, 10**12))
def test_more_than_there_is_is_no_part(weights: dict[int, int], more: int) -> None:
    with pytest.raises(ValueError, match="more than there is"):
        split(sum(weights.values()) + more, weights)


def test_of_equal_remainders_the_smaller_number_gives_one_fen_more() -> None:
    assert split(2, {9: 1, 7: 1, 8: 1}) == {7: 1, 8: 1}
    assert split(100, {1: 1, 2: 1, 3: 1, 4: 97}) == {1: 1, 2: 1, 3: 1, 4: 97}


@pytest.mark.search
def test_the_database_divides_as_the_function_does(new_database: Callable[[], str]) -> None:
    stage = Stage(new_database())
    staff = people(stage)
    number = funded(stage, 100, holder=staff["holder"])
    fixed(stage, number)
    use = asked(stage, number, 100)
    with Database(stage.database) as db, db.begin():
        donor = db.scalars(select(Pledge.donor_id)).first()
        when = stage.clock()

    # Around 3,037,000,499 the product of two passes what 64 bits hold.
    amounts = st.lists(st.one_of(st.integers(100, 10**6), st.integers(3 * 10**9, 10**11)), min_size=1, max_size=12)

    @settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(amounts, st.floats(0.000001, 1), st.integers(0, 10**9), st.integers(1, 5))
    def divides(gifts: list[int], share: float, pool: int, page: int) -> None:
        held = sum(gifts) + pool
        fen = max(1, min(int(held * share), held))
        with Database(stage.database) as db:
            db.execute(update(Pledge).values(state="refunded"))
            same = {"appeal_id": number, "donor_id": donor, "anonymous": False, "created_at": when}
            rows = [
                {**same, "draft_id": f"x{n}", "code": f"X{n:09d}", "amount_fen": each, "state": "committed"}
                for n, each in enumerate(gifts)
            ]
            db.execute(insert(Pledge), rows)
            run = run_of(use, number, fen, held)
            while allocate_page(db, run, when, page):
                pass
            matched = run.matched_fen
            taken = {row.pledge_id: row.amount_fen for row in db.scalars(select(DisbursementShare))}
            weights = {row.id: row.amount_fen for row in db.scalars(select(Pledge).where(Pledge.state != "refunded"))}
            of_gifts = split(fen, {0: sum(gifts), 1: pool})
            assert matched == of_gifts.get(1, 0)
            assert taken == split(of_gifts.get(0, 0), weights)
            assert sum(taken.values()) + matched == fen
            db.execute(delete(DisbursementShare))
            db.rollback()

    divides()
    stage.close()


def test_gifts_give_again_only_what_is_left_of_them(new_database: Callable[[], str]) -> None:
    """Spent in many odd parts to the last fen, a thousand gifts have each given exactly themselves."""
    stage = Stage(new_database())
    staff = people(stage)
    number = funded(stage, 100_003, holder=staff["holder"])
    fixed(stage, number)
    with Database(stage.database) as db, db.begin():
        donor = db.scalars(select(Pledge.donor_id)).first() or 0
        give_many(db, get_appeal(db, number), donor, 997, 101, stage)
        total = sum(db.scalars(select(Pledge.amount_fen)))
    left = total
    uses = [asked(stage, number, 7) for _ in range(5)]
    with Database(stage.database) as db, db.begin():
        for use in uses:
            run = run_of(use, number, left if use == uses[-1] else left // 3 + 1, left)
            while allocate_page(db, run, stage.clock(), 300):
                pass
            assert run.matched_fen == 0
            left -= run.fen
        spent: dict[int, int] = {}
        for row in db.scalars(select(DisbursementShare)):
            spent[row.pledge_id] = spent.get(row.pledge_id, 0) + row.amount_fen
        assert left == 0
        assert spent == {row.id: row.amount_fen for row in db.scalars(select(Pledge))}
    stage.close()
