"""The migrations lead to exactly the tables that the classes describe."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError

import models.migrations
from models.core.audit_trail import AuditEvent
from models.core.database import connect
from models.migrations import current, head, upgrade
from models.tables import metadata

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
