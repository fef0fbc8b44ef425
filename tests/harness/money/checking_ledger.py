"""A ledger behind whose guards a test may write, as a database's owner could."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from tests.harness.stage import Stage

GUARDED = {
    "ledger_transactions": ("no_update", "no_delete"),
    "ledger_entries": ("no_update", "no_delete", "sealed", "counted"),
    "ledger_links": ("no_update", "no_delete", "balanced"),
    "ledger_head": ("no_delete", "grows"),
    "ledger_accounts": ("fixed",),
}


@contextmanager
def unguarded(stage: Stage) -> Iterator[Connection]:
    """As somebody who owns the database can: triggers and constraints are out of the way."""
    with stage.database.connect() as connection, connection.begin():
        for table in GUARDED:
            connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        connection.exec_driver_sql("ALTER TABLE ledger_accounts DROP CONSTRAINT ck_ledger_accounts_not_overdrawn")
        yield connection
