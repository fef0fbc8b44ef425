"""What a ledger holds, read for comparison."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session as Database

from bot.books.sealing import seal_all
from models.core.database import connect
from models.core.hash_chain import GENESIS
from models.ledger import (
    Account,
    amounts_of,
)
from models.ledger.accounts import LedgerAccount
from models.ledger.links import link_hash
from models.ledger.tables import LedgerHead, LedgerLink, LedgerTransaction
from tests.harness.money import gift_postings

NOW = datetime(2026, 11, 28, 2, 0, 0, 123_456, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    database = connect(database_url)
    yield database
    database.dispose()


def balances(database: Engine) -> dict[Account, int]:
    """Of all accounts that have anything."""
    account = LedgerAccount
    with database.connect() as connection:
        rows = connection.execute(select(account.kind, account.subject_id, account.balance_fen))
        return {Account(row.kind, row.subject_id): row.balance_fen for row in rows if row.balance_fen}


def chain(database: Engine) -> list[tuple[str, str]]:
    """Kind and cause of all transactions in the chain's order, once sealed and recomputed from what is public."""
    seal_all(database)
    listed: list[tuple[str, str]] = []
    with Database(database) as db:
        head = db.execute(select(LedgerHead.length, LedgerHead.hash)).one()
        numbers = {link.transaction_id: link.number for link in db.scalars(select(LedgerLink))}
        before = GENESIS
        for link in db.scalars(select(LedgerLink).order_by(LedgerLink.number)):
            posted = db.get_one(LedgerTransaction, link.transaction_id)
            public = {
                "number": len(listed) + 1,
                "kind": posted.kind,
                "cause": posted.cause,
                "at": posted.at,
                "reverses": numbers[posted.reverses_id] if posted.reverses_id else None,
                "entries": amounts_of(db, posted).items(),
            }
            assert link.number == public["number"]
            assert link.hash == (before := link_hash(before, public))
            listed.append((posted.kind, posted.cause))
        assert tuple(head) == (len(listed), before)
        assert db.scalar(select(func.count()).select_from(LedgerTransaction)) == len(listed)
    return listed


@pytest.fixture
def posted(database: Engine) -> int:
    with Database(database) as db, db.begin():
        number = gift_postings.payment_received(db, 7, 100, "order:1", NOW).id
    seal_all(database)
    return number
