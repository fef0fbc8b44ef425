"""The migrations lead to exactly the tables that the classes describe, and back."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from models.audit import AuditEvent, AuditHead, link_hash
from models.database import connect
from models.migrations import downgrade, upgrade
from models.tables import metadata

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
# Numbers of audit events before there was a chain: a rolled back turn left a gap, and more than one page.
GAPS = [*range(3, 1_200), 1_500, 2_000, 2_001]


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
        event = {
            "id": 1,
            "at": NOW,
            "actor": "system",
            "action": "x",
            "subject": "user",
            "subject_id": 1,
            "hash": "0" * 64,
        }
        connection.execute(insert(AuditEvent).values(**event))
    with pytest.raises(DBAPIError), database.begin() as connection:
        connection.execute(text(statement))
    database.dispose()


def test_what_was_recorded_before_the_chain_becomes_its_first_links(database_url: str) -> None:
    downgrade(database_url, "0002")
    database = connect(database_url)
    old = "INSERT INTO audit_events (id, at, actor, action, subject, subject_id, from_state, to_state, detail) VALUES "
    rows = [
        f"({n}, '2026-11-24 02:00:0{n % 10}.000123', 'user:1', 'moved', 'appeal', {n}, 'a', 'b', 'x')" for n in GAPS
    ]
    with database.begin() as connection:
        connection.exec_driver_sql(old + ", ".join(rows))
    database.dispose()
    upgrade(database_url)
    with database.connect() as connection:
        links = connection.execute(select(AuditEvent.__table__).order_by(AuditEvent.id)).mappings().all()
        head = connection.execute(select(AuditHead.length, AuditHead.hash)).one()
    assert [link["id"] for link in links] == list(range(1, len(GAPS) + 1))
    assert [link["subject_id"] for link in links] == GAPS
    last = "0" * 64
    for link in links:
        assert link["hash"] == (last := link_hash(last, link))
        assert link["at"] == NOW.replace(second=link["subject_id"] % 10, microsecond=123)
    assert tuple(head) == (len(GAPS), last)
    with pytest.raises(DBAPIError), database.begin() as connection:
        connection.execute(text("DELETE FROM audit_events"))
    database.dispose()
    _comes_back(database_url)


def _comes_back(database_url: str) -> None:
    """To the tables before, with their rows, their guards, and numbers that go on."""
    downgrade(database_url, "0002")
    database = connect(database_url)
    more = "INSERT INTO audit_events (at, actor, action, subject, subject_id) VALUES ('2026-11-24', 'x', 'x', 'x', 0)"
    with database.begin() as connection:
        connection.exec_driver_sql(more)
        found = connection.execute(text("SELECT id, subject_id FROM audit_events ORDER BY id")).all()
        assert [tuple(row) for row in found] == [*enumerate(GAPS, 1), (len(GAPS) + 1, 0)]
    with pytest.raises(DBAPIError), database.begin() as connection:
        connection.execute(text("UPDATE audit_events SET action = 'x'"))
    database.dispose()
    upgrade(database_url)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_down_to_nothing_and_up_again(new_database: Callable[[str], str], kind: str) -> None:
    url = new_database(kind)
    downgrade(url, "base")
    upgrade(url)
    database = connect(url)
    with database.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.dispose()
