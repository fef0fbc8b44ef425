"""The prepared year that ``make demo`` begins with: all that is promised is in it, and its books are right."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from bot.demo.dump import Contents, NotEmpty, is_empty, load_dump
from bot.demo.seed import read_for_the_year
from bot.demo.year.county import FIRST_NUMBER
from models.appeals.appeal import MACHINE, Appeal
from models.core.database import connect
from models.donors.receipt import Receipt
from models.giving.pledge import Pledge
from models.giving.pool import PoolMatch
from models.migrations import current, head
from models.notifications.notification import Notification
from models.payments.refund import Refund
from models.people.conversation import Conversation
from models.people.user import User
from models.support.inquiry import Inquiry
from tests.harness.processes.databases import PostgresDatabases
from tests.scenes.year import (
    STATES,
    count,
    missing_states,
    paid_for_simulator,
    paid_in_books,
    verified_ledger,
    wrong_in,
)

ALSO: dict[Any, set[str]] = {
    # All but those that an appeal passes within one turn.
    Appeal: {*MACHINE.states} - {"draft", "village_review", "fund_holder_filed"},
    Pledge: {*STATES[Pledge], "partly_disbursed", "expired"},
    Receipt: {"issued"},
    Refund: {"paid"},
    Inquiry: {"upheld"},
}
# The small world's, of which the README and docs/demo.md tell.
SMALL = {1: "funding", 4: "funding", 5: "frozen", 8: "endorsed", 9: "submitted", 10: "returned", 11: "submitted"}


@dataclass
class Year:
    url: str
    database: Engine
    contents: Contents


@pytest.fixture(scope="module")
def year(databases: PostgresDatabases) -> Iterator[Year]:
    url = databases.create()
    database = connect(url, collects=True)
    assert is_empty(database)
    yield Year(url, database, load_dump(database, url))
    database.dispose()
    databases.drop(url)


def test_everything_that_is_promised_is_there(year: Year) -> None:
    assert missing_states(year.database, STATES | ALSO) == {}
    assert count(year.database, Pledge) >= 2_000
    assert count(year.database, PoolMatch) > 0
    with Session(year.database) as db:
        caught = select(func.count()).select_from(Inquiry).where(Inquiry.state == "upheld")
        assert db.scalar(caught) == 1
        frauds = select(Appeal.state).join(Inquiry, (Inquiry.about == "appeal") & (Inquiry.about_id == Appeal.id))
        assert db.scalars(frauds).all() == ["cancelled"]


def test_its_books_are_right(year: Year) -> None:
    assert wrong_in(year.url, year.contents.at) == {}


def test_a_stranger_verifies_its_ledger(year: Year, tmp_path: Path) -> None:
    code, said = verified_ledger(year.url, tmp_path / "ledger", year.contents.at)
    assert code == 0, said


def test_the_simulator_is_told_of_the_same_payments(year: Year) -> None:
    assert paid_for_simulator(year.database) == paid_in_books(year.database)
    assert len(paid_in_books(year.database)) > 1_900


def test_the_small_world_beside_it_has_the_numbers_that_the_pages_name(year: Year) -> None:
    with Session(year.database) as db:
        small = db.scalars(select(Appeal).where(Appeal.id < FIRST_NUMBER))
        states = {appeal.id: appeal.state for appeal in small}
    assert {number: states[number] for number in SMALL} == SMALL
    assert len(states) == 12


def test_what_waits_for_the_years_people_is_not_delivered_and_the_small_worlds_is(year: Year) -> None:
    waiting = select(Conversation.openid).join(Notification).where(Notification.state == "owed")
    with Session(year.database) as db:
        before = set(db.scalars(waiting))
        read_for_the_year(db)
        after = set(db.scalars(waiting))
        db.rollback()
    assert any(openid.startswith("oYear") for openid in before)
    assert after
    assert not any(openid.startswith("oYear") for openid in after)


def test_it_is_loaded_into_no_database_that_somebody_uses(year: Year) -> None:
    users = count(year.database, User)
    with pytest.raises(NotEmpty):
        load_dump(year.database, year.url)
    assert count(year.database, User) == users > 0


def test_it_is_brought_to_todays_schema(year: Year) -> None:
    with year.database.connect() as connection:
        assert current(connection) == head()
