"""Read the public ledger: its head, its totals, each appeal's totals and each transaction. It names no person.

Totals are read by index, and cost the same however many gifts there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.orm import Session, aliased

from models.appeals.appeal import Appeal
from models.core.database import stream
from models.core.hash_chain import GENESIS
from models.ledger import Totals, totals_of
from models.ledger.accounts import KINDS, LedgerAccount, LedgerSum
from models.ledger.kinds import MOVES
from models.ledger.tables import LedgerEntry, LedgerHead, LedgerLink, LedgerTransaction, UnsealedTransaction
from models.ledger.totals import add_up

_PAGE = 500
_OTHERS = sorted(KINDS - {"appeal"})


@dataclass(frozen=True, slots=True)
class Overall:
    """The count of ``transactions``, the hash ``head`` that seals them, and the ``totals`` of all appeals together.

    ``unsealed``: how many more wait for their links, seconds as a rule; the totals count them.
    """

    transactions: int
    head: str
    unsealed: int
    totals: Totals


@dataclass(frozen=True, slots=True)
class AppealTotals:
    """The totals of an appeal that has a ledger account."""

    number: int
    title: str
    state: str
    target_fen: int
    minimum_fen: int | None
    totals: Totals


@dataclass(frozen=True, slots=True)
class Posted:
    """A transaction as its link in the hash chain seals it. ``entries``: (account's kind, its number, fen), debit
    positive, sorted."""

    number: int
    kind: str
    cause: str
    at: datetime
    reverses: int | None
    entries: Sequence[tuple[str, int, int]]
    hash: str

    @property
    def fen(self) -> int:
        """The sum that moves."""
        return sum(amount for _, _, amount in self.entries if amount > 0)

    @property
    def appeal(self) -> int | None:
        """The number of the appeal whose money it moves; None where it moves no appeal's."""
        return next((number for kind, number, _ in self.entries if kind == "appeal"), None)


def head_of(db: Session | Connection) -> tuple[int, str]:
    """Return how many transactions have links, and the hash that seals them all."""
    row = db.execute(select(LedgerHead.length, LedgerHead.hash)).first()
    return (int(row[0]), str(row[1])) if row else (0, GENESIS)


def overall(db: Session) -> Overall:
    """Sum all appeals from the few accounts that are no appeal's: each counted posting has its other side there."""
    counted = [name for name, move in MOVES.items() if move.counts_as]
    sums = (
        select(LedgerSum.kind, func.sum(LedgerSum.amount_fen))
        .join(LedgerAccount, LedgerAccount.id == LedgerSum.account_id)
        .where(LedgerAccount.kind.in_(_OTHERS), LedgerSum.kind.in_(counted))
        .group_by(LedgerSum.kind)
    )
    unsealed = db.scalar(select(func.count()).select_from(UnsealedTransaction)) or 0
    return Overall(*head_of(db), unsealed, add_up((kind, -int(fen)) for kind, fen in db.execute(sums)))


def appeals_with_money(db: Session, before: int | None, most: int) -> list[AppealTotals]:
    """List appeals that had money, the newest first, with numbers below ``before``."""
    account = LedgerAccount
    wanted = select(Appeal).join(account, (account.kind == "appeal") & (account.subject_id == Appeal.id))
    if before is not None:
        wanted = wanted.where(account.subject_id < before)
    appeals = db.scalars(wanted.order_by(account.subject_id.desc()).limit(most)).all()
    totals = totals_of(db, [appeal.id for appeal in appeals])
    return [
        AppealTotals(appeal.id, appeal.title, appeal.state, appeal.target_fen, appeal.minimum_fen, totals[appeal.id])
        for appeal in appeals
    ]


def all_appeals(db: Session) -> Iterator[AppealTotals]:
    """Yield every appeal that had money, the newest first, read a page at a time."""
    page = appeals_with_money(db, None, _PAGE)
    while page:
        yield from page
        page = appeals_with_money(db, page[-1].number, _PAGE)
        db.expunge_all()


def all_posted(connection: Connection) -> Iterator[Posted]:
    """Yield every sealed transaction in the chain's order, unchecked: check its hash before you publish it."""
    for _, rows in groupby(stream(connection, _in_order()), key=lambda row: row.number):
        yield _posted(list(rows))


def newest_posted(db: Session, before: int | None, most: int) -> list[Posted]:
    """List sealed transactions, the newest first, with numbers below ``before``."""
    numbers = select(LedgerLink.number).order_by(LedgerLink.number.desc()).limit(most)
    if before is not None:
        numbers = numbers.where(LedgerLink.number < before)
    rows = db.execute(_in_order().where(LedgerLink.number.in_(db.scalars(numbers).all())))
    return [_posted(list(found)) for _, found in groupby(rows, key=lambda row: row.number)][::-1]


def _in_order() -> Any:
    posted, entry, account, reversed_ = LedgerTransaction, LedgerEntry, LedgerAccount, aliased(LedgerLink)
    return (
        select(
            LedgerLink.number,
            LedgerLink.hash,
            posted.kind,
            posted.cause,
            posted.at,
            reversed_.number.label("reverses"),
            account.kind.label("account"),
            account.subject_id,
            entry.amount_fen,
        )
        .join(posted, posted.id == LedgerLink.transaction_id)
        .join(entry, entry.transaction_id == posted.id)
        .join(account, account.id == entry.account_id)
        .outerjoin(reversed_, reversed_.transaction_id == posted.reverses_id)
        .order_by(LedgerLink.number)
    )


def _posted(rows: Sequence[Row[Any]]) -> Posted:
    first = rows[0]
    entries = sorted((row.account, row.subject_id, row.amount_fen) for row in rows)
    return Posted(first.number, first.kind, first.cause, first.at, first.reverses, entries, first.hash)
