"""An appeal's sums of pledges are what its pledges come to, whatever moves them, one at a time or all at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session as Database

from models.books.money.gifts import check_pledge_sums
from models.giving.pledge import MACHINE, PAID, Pledge, raised
from models.giving.pledge_sums import PledgeSums
from tests.harness.money.checking_books import codes, unguarded
from tests.harness.racing import patient
from tests.harness.stage import Stage
from tests.harness.tiers import examples

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
STATES = sorted(MACHINE.states)


def row(appeal: int, number: int, state: str, fen: int = 100) -> dict[str, Any]:
    values = {"draft_id": f"sums-{number}", "code": f"S{number:09}", "appeal_id": appeal, "donor_id": 1}
    return {**values, "amount_fen": fen, "anonymous": False, "state": state, "created_at": NOW, "pay_by": NOW}


def differences(stage: Stage) -> list[str]:
    with stage.database.connect() as connection:
        return [str(each) for each in check_pledge_sums(connection, NOW)]


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    stage.open_appeal()
    stage.open_appeal()
    yield stage
    stage.close()


def test_an_appeal_without_pledges_has_no_row_and_nothing(stage: Stage) -> None:
    with Database(stage.database) as db:
        assert db.scalars(select(PledgeSums)).all() == []
        assert raised(db, [1])[1].gifts == 0


Deed = st.tuples(st.sampled_from(["add", "move", "fen", "drop"]), st.integers(1, 2), st.sampled_from(STATES))


@given(st.lists(Deed, max_size=8))
@settings(max_examples=examples(), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_statements_move_pledges_the_sums_follow(stage: Stage, deeds: list[tuple[str, int, str]]) -> None:
    """Statements of one row, of several, of two appeals at once, and of none."""
    with stage.database.begin() as connection:
        connection.execute(delete(Pledge))
    for number, (deed, appeal, state) in enumerate(deeds):
        with stage.database.begin() as connection:
            if deed == "add":
                two = [row(appeal, 10 * number + n, state, 100 + number) for n in range(2)]
                connection.execute(insert(Pledge), [*two, row(3 - appeal, 10 * number + 2, "intended")])
            elif deed == "move":
                connection.execute(update(Pledge).where(Pledge.appeal_id == appeal).values(state=state))
            elif deed == "fen":
                connection.execute(update(Pledge).where(Pledge.state == state).values(amount_fen=Pledge.amount_fen + 7))
            else:
                connection.execute(delete(Pledge).where(Pledge.state == state))
    assert differences(stage) == []
    with Database(stage.database) as db:
        for appeal in (1, 2):
            pledges = db.scalars(select(Pledge).where(Pledge.appeal_id == appeal)).all()
            promised = sum(each.amount_fen for each in pledges if each.state == "intended")
            found = raised(db, [appeal])[appeal]
            assert found.gifts == sum(each.state in ("intended", *PAID) for each in pledges)
            assert (found.raised_fen, found.promised_fen) == (promised, promised)


def test_many_at_once_lose_none(stage: Stage) -> None:
    patient(stage)
    rows = [[row(1, 100 * one + n, "intended") for n in range(20)] for one in range(8)]

    def add(mine: list[dict[str, Any]]) -> None:
        for each in mine:
            with stage.database.begin() as connection:
                connection.execute(insert(Pledge), each)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, rows))
    assert differences(stage) == []
    with Database(stage.database) as db:
        assert raised(db, [1])[1].gifts == 160


def test_sums_that_were_changed_beside_the_triggers_are_named(stage: Stage) -> None:
    with stage.database.begin() as connection:
        connection.execute(insert(Pledge), row(1, 1, "intended", 250))
    with unguarded(stage) as connection:
        connection.execute(update(PledgeSums).values(intended_fen=251))
    assert "pledge_sums_differ appeal 1" in codes(stage)
    assert "intended_fen 251 for 250" in differences(stage)[0]
    with unguarded(stage) as connection:
        connection.execute(text("DELETE FROM pledge_sums"))
    assert "pledge_sums_differ appeal 1" in codes(stage)
