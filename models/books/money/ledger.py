"""Check the ledger's transactions: each balances, is unchanged since it was sealed, and is a permitted move.

What waits for its link is balanced and of one charity too: triggers refused its commit otherwise.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select
from sqlalchemy.orm import aliased

from models.books.chains import Follower, check_unsealed, read_head
from models.books.violation import Violation
from models.core.database import stream
from models.ledger.accounts import Account, LedgerAccount
from models.ledger.kinds import MOVES
from models.ledger.links import LEDGER, link_hash
from models.ledger.tables import LedgerEntry, LedgerHead, LedgerLink, LedgerTransaction

_LEDGER = "ledger"


def check_transactions(connection: Connection, _now: datetime) -> Iterator[Violation]:
    """Check each transaction in the chain's order, in one read. A violation names it by its link's number."""
    follower = Follower(_LEDGER)
    for number, rows in groupby(stream(connection, _in_order()), key=lambda row: int(row.number)):
        yield from _check_link(follower, number, list(rows))
    yield from follower.end(read_head(connection, LedgerHead))
    yield from _check_astray(connection)


def check_reversals(connection: Connection, _now: datetime) -> Iterator[Violation]:
    """Check that each reversal is the exact opposite of a posting that is no reversal; a constraint allows only one."""
    reversal, reversed_ = aliased(LedgerTransaction), aliased(LedgerTransaction)
    mine, theirs = aliased(LedgerEntry), aliased(LedgerEntry)
    opposite = (
        select(theirs.account_id)
        .where(theirs.transaction_id == reversed_.id, theirs.account_id == mine.account_id)
        .where(theirs.amount_fen == -mine.amount_fen)
        .correlate(mine, reversed_)
    )
    alone = select(mine.account_id).where(mine.transaction_id == reversal.id, ~opposite.exists())
    alone = alone.correlate(reversal, reversed_)
    differs = or_(
        reversed_.id.is_(None),
        reversed_.reverses_id.is_not(None),
        reversed_.kind != reversal.kind,
        alone.exists(),
        _count(reversal) != _count(reversed_),
    )
    statement = (
        select(LedgerLink.number, reversal.reverses_id)
        .join(reversal, reversal.id == LedgerLink.transaction_id)
        .outerjoin(reversed_, reversed_.id == reversal.reverses_id)
        .where(reversal.reverses_id.is_not(None), differs)
        .order_by(LedgerLink.number)
    )
    for found in stream(connection, statement):
        words = f"is not the exact opposite of what it reverses (transaction {found.reverses_id})"
        yield Violation("reversal_differs", _LEDGER, found.number, words)


def _in_order() -> Any:
    """Select a row for each entry, in the chain's order; what is missing is None."""
    reversed_ = aliased(LedgerLink)
    posted, entry, account = LedgerTransaction, LedgerEntry, LedgerAccount
    columns = (LedgerLink.number, LedgerLink.hash, posted.id, posted.kind, posted.cause, posted.at, posted.reverses_id)
    return (
        select(
            *columns,
            reversed_.number.label("reverses"),
            account.kind.label("account"),
            account.subject_id,
            entry.amount_fen,
        )
        .outerjoin(posted, posted.id == LedgerLink.transaction_id)
        .outerjoin(entry, entry.transaction_id == LedgerLink.transaction_id)
        .outerjoin(account, account.id == entry.account_id)
        .outerjoin(reversed_, reversed_.transaction_id == posted.reverses_id)
        .order_by(LedgerLink.number)
    )


def _check_link(follower: Follower, number: int, rows: Sequence[Row[Any]]) -> Iterator[Violation]:
    posted = rows[0]
    if posted.id is None:
        yield Violation("transaction_gone", _LEDGER, number, "has no transaction any more")
        yield from follower.read(number, posted.hash, posted.hash)
        return
    entries = [(Account(row.account, row.subject_id), row.amount_fen) for row in rows if row.account is not None]
    yield from follower.read(number, posted.hash, link_hash(follower.before, {**posted._mapping, "entries": entries}))
    total = sum(fen for _, fen in entries)
    if total or len(entries) < 2:
        words = f"has {len(entries)} entries, which sum to {total} fen (transaction {posted.id})"
        yield Violation("unbalanced", _LEDGER, number, words)
    move = MOVES.get(posted.kind)
    if move is None or not move.fits(dict(entries), reverses=posted.reverses_id is not None):
        words = f"moved money as no {posted.kind} does (transaction {posted.id})"
        yield Violation("other_move", _LEDGER, number, words)


def _check_astray(connection: Connection) -> Iterator[Violation]:
    """Find transactions that are not sealed as they should be, and entries without a transaction or an account."""
    posted, entry = LedgerTransaction, LedgerEntry
    yield from check_unsealed(connection, LEDGER, posted.id, "ledger_transaction")
    known = select(posted.id).where(posted.id == entry.transaction_id).exists()
    account = select(LedgerAccount.id).where(LedgerAccount.id == entry.account_id).exists()
    astray = select(entry.transaction_id, entry.account_id).where(or_(~known, ~account))
    for found in stream(connection, astray.order_by(entry.transaction_id, entry.account_id)):
        words = f"has an entry on account {found.account_id}, and one of both is not there"
        yield Violation("entry_astray", "ledger_transaction", found.transaction_id, words)


def _count(transaction: Any) -> Any:
    entry = aliased(LedgerEntry)
    return select(func.count()).where(entry.transaction_id == transaction.id).correlate(transaction).scalar_subquery()
