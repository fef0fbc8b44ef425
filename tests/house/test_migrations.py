"""The migrations lead to exactly the tables that the classes describe."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import IntegrityError

import models.migrations
from models.books.money.gifts import check_pledge_sums
from models.books.money.matching import check_matching
from models.core.audit_trail import AuditEvent
from models.core.database import connect, snapshot
from models.migrations import _config, current, head, upgrade
from models.tables import metadata
from tests.harness.command_line import run
from tests.harness.processes.workers import until
from tests.harness.stage import Stage
from tests.scenes.money.gifts import give
from tests.scenes.money.matching import charity, pool

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
EVENT = {"id": 1, "at": NOW, "actor": "system", "action": "x", "subject": "user", "subject_id": 1}


def test_one_migration_is_the_newest() -> None:
    folder = Path(str(models.migrations.__file__)).parent
    assert ScriptDirectory(str(folder)).get_heads() == [head()]


def test_the_migrations_lead_to_the_classes(database_url: str) -> None:
    database = connect(database_url)
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        assert current(connection) == head()
    database.dispose()


def test_an_upgrade_of_what_is_up_to_date_keeps_its_rows(database_url: str) -> None:
    database = connect(database_url)
    with database.begin() as connection:
        connection.execute(insert(AuditEvent).values(EVENT))
    upgrade(database_url)
    with database.connect() as connection:
        assert connection.execute(text("SELECT action FROM audit_events")).scalars().all() == ["x"]
    database.dispose()


@pytest.mark.parametrize("statement", ["UPDATE audit_events SET action = 'x'", "DELETE FROM audit_events"])
def test_the_audit_trail_is_only_added_to(database_url: str, statement: str) -> None:
    database = connect(database_url)
    with database.begin() as connection:
        connection.execute(insert(AuditEvent).values(EVENT))
    with pytest.raises(IntegrityError, match="append-only"), database.begin() as connection:
        connection.execute(text(statement))
    database.dispose()


@pytest.mark.parametrize("table", ["audit_head", "ledger_head"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET length = length", "DELETE FROM {}"])
def test_the_head_of_a_chain_stays_and_only_grows(database_url: str, table: str, statement: str) -> None:
    database = connect(database_url)
    with pytest.raises(IntegrityError, match=table), database.begin() as connection:
        connection.execute(text(statement.format(table)))
    with database.connect() as connection:
        rows = connection.execute(text(f"SELECT id, length, hash FROM {table}")).all()  # noqa: S608 - a name of ours
    assert [tuple(row) for row in rows] == [(1, 0, "0" * 64)]
    database.dispose()


# A migration that counts what there is, and what an old process writes meanwhile: it holds the row, then commits.
MEANWHILE = {
    "0073": ("UPDATE pledges SET amount_fen = amount_fen + 100, state = 'intended' WHERE id = {}", check_pledge_sums),
    "0075": ("UPDATE pool_matches SET returned_fen = returned_fen + 100 WHERE pledge_id = {}", check_matching),
}


def given_twice(url: str) -> tuple[int, int]:
    """An appeal that has two gifts, each with what a pool added; the numbers of their pledges."""
    stage = Stage(url)
    appeal = stage.open_appeal()
    pool(stage, charity(stage), appeal=appeal)
    gifts = give(stage, appeal, 5_000, "o-li"), give(stage, appeal, 7_000, "o-ma")
    stage.close()
    return gifts


def waits_for_a_lock(connection: Connection) -> bool:
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(connection.scalar(text(waits)))


# Slow: the upgrade lets the old process go on for a second, again and again.
@pytest.mark.parametrize("goes_on", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["once", "goes_on"])
@pytest.mark.parametrize("revision", MEANWHILE)
def test_an_upgrade_counts_what_old_processes_write_meanwhile_and_lets_them_go_on(
    new_database: Callable[[], str], revision: str, goes_on: bool
) -> None:
    url = new_database()
    first, second = given_twice(url)
    statement, check = MEANWHILE[revision]
    command.downgrade(_config(url), f"{int(revision) - 1:04}")
    database = connect(url)
    watch = database.connect().execution_options(isolation_level="AUTOCOMMIT")
    with watch, ThreadPoolExecutor(1) as threads:
        with database.begin() as old_process:
            old_process.execute(text(statement.format(first)))
            upgrading = threads.submit(upgrade, url)
            until(lambda: waits_for_a_lock(watch))
            if goes_on:  # it waits behind the upgrade, which lets it pass and tries again
                with database.begin() as another:
                    another.execute(text(statement.format(second)))
        upgrading.result()
        assert current(watch) == head()
    with snapshot(url) as books:
        assert [each for each in check(books, NOW) if each.code in ("pledge_sums_differ", "pool_sums_differ")] == []
    database.dispose()


def test_an_upgrade_that_never_gets_its_lock_says_so_and_keeps_what_it_did(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models.migrations, "_TRIES", 1)
    url = new_database()
    command.downgrade(_config(url), "0073")
    stage, database = Stage(url), connect(url)
    with database.begin() as old_process:
        old_process.execute(text("LOCK TABLE pool_matches"))
        said = run(stage.app, "upgrade")
        assert (said.exit_code, "check-books" in said.output) == (1, True)
        assert current(old_process) == "0074"
    assert run(stage.app, "upgrade").exit_code == 0
    with database.connect() as connection:
        assert current(connection) == head()
    stage.close()
    database.dispose()


def test_an_upgrade_notes_the_menus_of_all_who_are_registered_also_when_it_is_cut_off_and_done_again(
    new_database: Callable[[], str],
) -> None:
    url = new_database()
    stage, database = Stage(url), connect(url)
    stage.register("o-li", "donor")
    stage.register("o-wang", "resident")
    stage.say("o-stranger", "你好")
    command.downgrade(_config(url), "0076")
    for before in ("0076", "0077"):
        with database.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :n"), {"n": before})
        upgrade(url)
        with database.connect() as connection:
            noted = connection.scalars(text("SELECT openid FROM menus_due ORDER BY openid")).all()
        assert noted == ["o-li", "o-wang"]
    stage.close()
    database.dispose()
