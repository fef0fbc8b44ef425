"""The migrations lead to exactly the tables that the classes describe, and back."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from models.audit import AuditEvent
from models.database import connect
from models.tables import metadata

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_migrations_lead_to_the_classes(new_database: Callable[[str], str], kind: str) -> None:
    database = connect(new_database(kind))
    with database.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.dispose()


@pytest.mark.parametrize("statement", ["UPDATE audit_events SET action = 'x'", "DELETE FROM audit_events"])
def test_the_audit_trail_is_only_added_to(database_url: str, statement: str) -> None:
    database = connect(database_url)
    with database.begin() as connection:
        event = {"at": NOW, "actor": "system", "action": "x", "subject": "user", "subject_id": 1}
        connection.execute(insert(AuditEvent).values(**event))
    with pytest.raises(DBAPIError), database.begin() as connection:
        connection.execute(text(statement))
    database.dispose()
