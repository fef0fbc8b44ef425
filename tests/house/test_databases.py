"""A database that is taken again is as the migrations made it, whatever the test before did to it."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from models.core.database import connect
from tests.harness.processes.databases import PostgresDatabases
from tests.harness.stage import Stage

RELATIONS = (
    "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')"
)


def everything(url: str) -> dict[str, Any]:
    """The rows of every table and the state of every sequence, and how tables and triggers are built."""
    with psycopg.connect(url) as db:
        held: dict[str, Any] = {}
        for name, kind in db.execute(RELATIONS).fetchall():
            columns = sql.SQL("last_value, is_called" if kind == "S" else "t.*")
            query = sql.SQL("SELECT {} FROM {} t").format(columns, sql.Identifier(name))
            held[name] = sorted(map(str, db.execute(query).fetchall()))
        held[" columns"] = db.execute(
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
            " WHERE table_schema = 'public' ORDER BY 1, 2"
        ).fetchall()
        held[" triggers"] = db.execute("SELECT tgname, tgenabled FROM pg_trigger ORDER BY 1").fetchall()
        return held


@pytest.fixture(scope="module")
def as_made(databases: PostgresDatabases) -> Iterator[dict[str, Any]]:
    url = databases.create()
    yield everything(url)
    databases.drop(url)


@pytest.fixture
def again(databases: PostgresDatabases) -> Iterator[Any]:
    """Lends one database; each call gives it back and takes it again."""
    urls: list[str] = []

    def take() -> str:
        if urls:
            databases.give_back(urls[-1])
        urls.append(databases.take())
        assert len(set(urls)) == 1
        return urls[-1]

    yield take
    databases.give_back(urls[-1])


def test_a_copy_has_regions_a_charity_and_what_the_migrations_put_there(as_made: dict[str, Any]) -> None:
    full = {name for name, rows in as_made.items() if rows and not name.endswith(("_seq", " columns", " triggers"))}
    assert full == {"alembic_version", "regions", "audit_head", "ledger_head", "charities", "filings", "merchants"}
    assert len(as_made["regions"]) > 4_000
    assert len(as_made) > 100


def test_after_many_turns_and_appeals_nothing_is_left(again: Any, as_made: dict[str, Any]) -> None:
    url = again()
    stage = Stage(url)
    stage.open_appeal()
    stage.register("o-donor", "donor")
    for words in ("看求助", "捐 1", "50", "1", "确认"):
        stage.say("o-donor", words)
    stage.close()
    left = everything(url)
    assert sum(left[name] != rows for name, rows in as_made.items()) > 15
    assert everything(again()) == as_made


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE regions SET name = 'x' WHERE code = '110000000000'",
        "DELETE FROM regions WHERE code = (SELECT max(code) FROM regions)",
        "INSERT INTO regions (code, name, short, full_name, level) VALUES ('990000000000', '某', '某', '某', 0)",
        "UPDATE ledger_head SET length = 1, hash = repeat('1', 64)",
        "SELECT nextval('users_id_seq'), nextval('turns_id_seq')",
        "TRUNCATE regions CASCADE",
        "ALTER TABLE regions ADD COLUMN other int",
        "ALTER TABLE audit_events DISABLE TRIGGER USER",
        "DROP TRIGGER audit_events_no_delete ON audit_events",
        "CREATE TABLE other (id int)",
        "DROP TABLE turns CASCADE",
    ],
)
def test_what_the_migrations_put_there_comes_back(again: Any, as_made: dict[str, Any], statement: str) -> None:
    url = again()
    with psycopg.connect(url) as db:
        db.execute(statement.encode())
    assert everything(url) != as_made
    assert everything(again()) == as_made


def test_after_very_many_rows_it_is_another_copy(again: Any, as_made: dict[str, Any]) -> None:
    url = again()
    copies = [number_of(url)]
    for count in (60_000, 100):
        with psycopg.connect(url) as db:
            db.execute(
                "INSERT INTO conversations (account, openid, session, created_at, touched_at)"
                " SELECT 'a', 'o' || n, '', now(), now() FROM generate_series(1, %s) AS n",
                [count],
            )
        assert everything(again()) == as_made
        copies.append(number_of(url))
    assert copies[0] != copies[1] == copies[2]


def number_of(url: str) -> int:
    """PostgreSQL's own number of the database, which no copy has again."""
    with psycopg.connect(url) as db:
        row = db.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
    assert row
    return int(row[0])


def test_whoever_is_still_in_a_transaction_is_ended(again: Any, as_made: dict[str, Any]) -> None:
    """And holds no lock over the next test."""
    url = again()
    database = connect(url)
    open_one = database.connect()
    open_one.execute(text("UPDATE audit_head SET length = 9"))
    open_one.execute(text("LOCK TABLE regions IN ACCESS EXCLUSIVE MODE"))
    idle = database.connect()
    idle.execute(text("SELECT 1"))
    idle.rollback()
    assert everything(again()) == as_made
    with pytest.raises(OperationalError):
        open_one.execute(text("SELECT 1"))
    assert idle.execute(text("SELECT 1")).scalar() == 1
    open_one.close()
    idle.close()
    database.dispose()


def test_the_guards_stand_for_the_test_itself(again: Any) -> None:
    again()
    database = connect(again())
    insert = (
        "INSERT INTO audit_events (id, at, actor, action, subject, subject_id) VALUES (1, now(), 'system', 'x', 'x', 1)"
    )
    with database.begin() as connection:
        connection.execute(text(insert))
    with pytest.raises(IntegrityError, match="append-only"), database.begin() as connection:
        connection.execute(text("DELETE FROM audit_events"))
    with pytest.raises(IntegrityError, match="foreign key"), database.begin() as connection:
        connection.execute(text("UPDATE regions SET successor = 'x'"))
    database.dispose()


def test_two_at_a_time_are_two(databases: PostgresDatabases) -> None:
    one, other = databases.take(), databases.take()
    assert one != other
    databases.give_back(one)
    assert databases.take() == one
    databases.give_back(one)
    databases.give_back(other)


@pytest.mark.planner
def test_who_asks_the_planner_has_a_database_of_its_own(databases: PostgresDatabases, database_url: str) -> None:
    other = databases.take()
    databases.give_back(other)
    assert other != database_url
    with psycopg.connect(database_url) as db:
        full = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        touched = db.execute(f"{full} AND pg_relation_size(oid) > 0 ORDER BY 1").fetchall()
    put_there = ("alembic_version", "audit_head", "charities", "filings", "ledger_head", "merchants", "regions")
    assert touched == [(name,) for name in put_there]
