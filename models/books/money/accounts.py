"""Check the ledger's accounts: kept sums and balances equal the entries, each appeal's totals add up, and no posting
moved one charity's money into another's account."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, func, literal, select, union_all

from models.appeals.appeal import Appeal
from models.books.violation import Violation
from models.core.database import stream
from models.giving.pool import MatchingPool
from models.ledger.accounts import FIRST_CHARITY, MAY_OWE, SMALLEST_REGION, Account, LedgerAccount, LedgerSum
from models.ledger.tables import LedgerEntry, LedgerTransaction
from models.ledger.totals import add_up


def check_accounts(connection: Connection, _now: datetime) -> Iterator[Violation]:
    """Check every account's sums and balance. A violation names an account by its kind and its subject's id."""
    for _, rows in groupby(stream(connection, _sums()), key=lambda row: row.id):
        yield from _check(list(rows))
    yield from _check_appeals(connection)
    yield from _check_charities(connection)


def _sums() -> Any:
    """Select the entries' sum and the kept sum, per account and kind of posting, in the accounts' order."""
    nothing = literal(0)
    entries = select(
        LedgerEntry.account_id,
        LedgerTransaction.kind.label("posting"),
        LedgerEntry.amount_fen.label("counted"),
        nothing.label("kept"),
    ).join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
    kept = select(LedgerSum.account_id, LedgerSum.kind, nothing, LedgerSum.amount_fen)
    both = union_all(entries, kept).subquery()
    sums = (
        select(
            both.c.account_id,
            both.c.posting,
            func.sum(both.c.counted).label("counted"),
            func.sum(both.c.kept).label("kept"),
        )
        .group_by(both.c.account_id, both.c.posting)
        .subquery()
    )
    account = LedgerAccount
    return (
        select(account.id, account.kind, account.subject_id, account.balance_fen, *sums.c)
        .outerjoin(sums, sums.c.account_id == account.id)
        .order_by(account.id)
    )


def _check(rows: Sequence[Row[Any]]) -> Iterator[Violation]:
    """Check one account; ``rows``: all of it, one for each kind of posting."""
    account = Account(rows[0].kind, rows[0].subject_id)
    counted = {row.posting: int(row.counted) for row in rows if row.posting is not None}
    for row in rows:
        if row.posting is not None and row.counted != row.kept:
            words = f"has {row.kept} fen kept for {row.posting}, and entries of {row.counted}"
            yield Violation("sum_differs", *account, words)
    balance = account.sign * sum(counted.values())
    if balance != rows[0].balance_fen:
        words = f"has the balance {rows[0].balance_fen} fen, and its entries come to {balance}"
        yield Violation("balance_differs", *account, words)
    if balance < 0 and account.kind != MAY_OWE:
        yield Violation("overdrawn", *account, f"has {balance} fen by its entries")
    if account.kind == "appeal":
        yield from _check_totals(account, counted, balance)


def _check_totals(account: Account, counted: dict[str, int], balance: int) -> Iterator[Violation]:
    """Check that paid plus matched, less refunded and disbursed, is the balance, and that none of them is negative."""
    totals = add_up(counted.items())
    parts = f"paid {totals.paid}, matched {totals.matched}, refunded {totals.refunded}, disbursed {totals.disbursed}"
    if totals.held != balance:
        yield Violation("totals_differ", *account, f"holds {balance} fen, and that is not {parts}")
    if min(totals.paid, totals.matched, totals.refunded, totals.disbursed) < 0:
        yield Violation("less_than_nothing", *account, f"has {parts}")


def _check_appeals(connection: Connection) -> Iterator[Violation]:
    account = LedgerAccount
    nobodys = select(account.subject_id).outerjoin(Appeal, Appeal.id == account.subject_id)
    nobodys = nobodys.where(account.kind == "appeal", Appeal.id.is_(None)).order_by(account.id)
    for found in stream(connection, nobodys):
        yield Violation("no_such_appeal", "appeal", found.subject_id, "has an account, and is not there")


def _check_charities(connection: Connection) -> Iterator[Violation]:
    """Check that each transaction moved money of one charity alone."""
    entry, account = LedgerEntry, LedgerAccount
    bank, pool = _owner(account.subject_id), _owner(MatchingPool.holder_id)
    whose = case(
        (account.kind.in_(("channel", "refunds", "unassigned")), account.subject_id),
        (account.kind.in_(("bank", "fees")), bank),
        (account.kind == "pool", pool),
        else_=Appeal.charity_id,
    )
    moved = select(entry.transaction_id, func.count(whose.distinct()).label("charities"))
    moved = moved.join(account, account.id == entry.account_id)
    moved = moved.outerjoin(Appeal, (account.kind == "appeal") & (Appeal.id == account.subject_id))
    moved = moved.outerjoin(MatchingPool, (account.kind == "pool") & (MatchingPool.id == account.subject_id))
    crossed = moved.group_by(entry.transaction_id).having(func.count(whose.distinct()) > 1)
    for found in stream(connection, crossed.order_by(entry.transaction_id)):
        words = f"moved money between accounts of {found.charities} charities"
        yield Violation("charities_mixed", "ledger", found.transaction_id, words)


def _owner(bank: Any) -> ColumnElement[int]:
    """Build ``charity_of_bank`` as an expression."""
    return case((bank >= SMALLEST_REGION, FIRST_CHARITY), else_=bank)
