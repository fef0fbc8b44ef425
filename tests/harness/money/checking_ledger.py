"""A ledger behind whose guards a test may write, as a database's owner could."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from tests.harness.money.checking_books import unguarded
from tests.harness.stage import Stage


@contextmanager
def unbounded(stage: Stage) -> Iterator[Connection]:
    """Also without the constraint by which no account is overdrawn."""
    with unguarded(stage) as connection:
        connection.exec_driver_sql("ALTER TABLE ledger_accounts DROP CONSTRAINT ck_ledger_accounts_not_overdrawn")
        yield connection
