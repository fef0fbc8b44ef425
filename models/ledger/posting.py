"""Posting: write a transaction with its entries once per cause, or reverse it exactly."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Text, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.core.base import among, listed
from models.core.hooks import Hook
from models.ledger.accounts import IN_ORDER, KINDS, MAY_OWE, Account, LedgerAccount, LedgerSum, Locked, lock
from models.ledger.errors import AnotherPosting, MoreBackThanWent, NotReversible, Overdrawn, WrongPosting
from models.ledger.kinds import MOVES, Move
from models.ledger.tables import LedgerEntry, LedgerTransaction
from models.ledger.totals import add_up

# The chain makes causes public: a word and a number of ours leave no room for personal data.
_CAUSE = re.compile("[a-z_]{1,20}:[0-9A-Za-z_.-]{1,43}")

Amounts = Mapping[Account, int]


class Posted(NamedTuple):
    id: int
    kind: str
    amounts: Amounts


# The new postings and their time. Not called again for a posting that was there.
on_posted: Hook[[Session, Sequence[Posted], datetime], None] = Hook("ledger.posting.on_posted")


def post(
    db: Session,
    kind: str,
    cause: str,
    amounts: Amounts,
    now: datetime,
    *,
    reverses: LedgerTransaction | None = None,
) -> LedgerTransaction:
    """Post these amounts (fen, debit positive) for this cause; the same call again returns the earlier transaction.

    Locks the accounts. Raises WrongPosting, AnotherPosting for other contents under the same cause, NotReversible,
    Overdrawn, or MoreBackThanWent; then nothing was written. The posting becomes a link of the chain soon after the
    caller's transaction commits.
    """
    _check(kind, cause, amounts, reverses)
    accounts = lock(db, amounts)
    reverses_id = reverses.id if reverses else None
    try:
        if reverses:
            _check_reversible(db, reverses)
        _check_balances(accounts, amounts)
        _check_parts(db, MOVES[kind], accounts, amounts)
    except (NotReversible, Overdrawn, MoreBackThanWent):
        # It may be the first call that has left nothing for this one.
        if earlier := find(db, kind, cause):
            return _same(db, earlier, amounts, reverses_id)
        raise
    posted = _write(db, kind, {cause: amounts}, accounts, now, reverses_id)
    transaction = _get(db, kind, cause)
    if not posted:  # before
        return _same(db, transaction, amounts, reverses_id)
    on_posted(db, posted, now)
    return transaction


def post_each(
    db: Session, kind: str, postings: Mapping[str, Amounts], now: datetime, held: Mapping[Account, Locked]
) -> None:
    """Post the amounts of each cause, none of which was posted before, in as many statements as for one.

    ``held``: all their accounts, as ``lock`` returned them, before anything was posted on them. Raises WrongPosting,
    also for a cause that was posted before, Overdrawn or MoreBackThanWent; then the caller's transaction has to be
    given up.
    """
    total: Counter[Account] = Counter()
    for cause, amounts in postings.items():
        _check(kind, cause, amounts, None)
        for account, fen in amounts.items():
            total[account] += fen
    _check_balances(held, total)
    _check_parts(db, MOVES[kind], held, total)
    posted = _write(db, kind, postings, held, now)
    if len(posted) < len(postings):
        raise WrongPosting("one of these causes was posted before")
    on_posted(db, posted, now)


def _write(
    db: Session,
    kind: str,
    postings: Mapping[str, Amounts],
    accounts: Mapping[Account, Locked],
    now: datetime,
    reverses_id: int | None = None,
) -> list[Posted]:
    """Write the transactions with their entries, but for causes that were posted before; return what was written."""
    table = LedgerTransaction
    entries = [
        (cause, accounts[account].id, fen) for cause, amounts in postings.items() for account, fen in amounts.items()
    ]
    given = listed({"cause": Text(), "account_id": BigInteger(), "amount_fen": BigInteger()}, entries)
    in_order = listed({"cause": Text()}, [(cause,) for cause in postings], "causes")
    causes = select(literal(kind), in_order.c.cause, literal(now, table.at.type), literal(reverses_id, BigInteger()))
    new = (
        insert(table)
        .from_select(["kind", "cause", "at", "reverses_id"], causes, include_defaults=False)
        .on_conflict_do_nothing(index_elements=["kind", "cause"])
        .returning(table.id, table.cause)
        .cte("new")
    )
    # Those of ``added_to`` are not locked yet. An entry's foreign key would lock them too weakly to wait in turn.
    numbers = {account.id for account in accounts.values()}
    locked = select(LedgerAccount.id).where(among(LedgerAccount.id, numbers))
    held = locked.order_by(*IN_ORDER).with_for_update().cte("held")
    theirs = select(new.c.id, held.c.id, given.c.amount_fen).join(given, given.c.cause == new.c.cause)
    theirs = theirs.join(held, held.c.id == given.c.account_id).order_by(new.c.id, held.c.id)
    names = ["transaction_id", "account_id", "amount_fen"]
    written = insert(LedgerEntry).from_select(names, theirs, include_defaults=False).cte("written")
    rows = db.execute(select(new.c.id, new.c.cause).add_cte(written))
    return [Posted(row.id, kind, postings[row.cause]) for row in rows]


def reverse(db: Session, transaction: LedgerTransaction, cause: str, now: datetime) -> LedgerTransaction:
    """Post the exact opposite of a transaction. Raises NotReversible if reversed for another cause, and as ``post``."""
    opposite = {account: -fen for account, fen in amounts_of(db, transaction).items()}
    return post(db, transaction.kind, cause, opposite, now, reverses=transaction)


def find(db: Session, kind: str, cause: str) -> LedgerTransaction | None:
    """Find the transaction of this kind and cause; None without one."""
    return db.scalar(select(LedgerTransaction).where(_posted_for(kind, cause)))


def amounts_of(db: Session, transaction: LedgerTransaction) -> dict[Account, int]:
    """Return a transaction's entries in fen, debit positive."""
    rows = db.execute(
        select(LedgerAccount.kind, LedgerAccount.subject_id, LedgerEntry.amount_fen)
        .join(LedgerAccount, LedgerAccount.id == LedgerEntry.account_id)
        .where(LedgerEntry.transaction_id == transaction.id)
    )
    return {Account(row.kind, row.subject_id): row.amount_fen for row in rows}


def _posted_for(kind: str, cause: str) -> ColumnElement[bool]:
    return (LedgerTransaction.kind == kind) & (LedgerTransaction.cause == cause)


def _get(db: Session, kind: str, cause: str) -> LedgerTransaction:
    return db.scalars(select(LedgerTransaction).where(_posted_for(kind, cause))).one()


def _check(kind: str, cause: str, amounts: Amounts, reverses: LedgerTransaction | None) -> None:
    if reverses and reverses.reverses_id is not None:
        raise NotReversible(reverses.id)
    if not _CAUSE.fullmatch(cause):
        raise WrongPosting("a cause is a word, a colon, and a number of ours")
    if any(account.kind not in KINDS or account.subject_id < 0 for account in amounts):
        raise WrongPosting("no such account")
    if any(type(fen) is not int or fen == 0 for fen in amounts.values()):
        raise WrongPosting("an entry is a whole number of fen, and not nothing")
    if len(amounts) < 2 or sum(amounts.values()) != 0:
        raise WrongPosting("a transaction has two entries at least, and they sum to zero")
    if kind not in MOVES or not MOVES[kind].fits(amounts, reverses=reverses is not None):
        raise WrongPosting("money does not move so")


def _same(db: Session, earlier: LedgerTransaction, amounts: Amounts, reverses_id: int | None) -> LedgerTransaction:
    if earlier.reverses_id != reverses_id or amounts_of(db, earlier) != dict(amounts):
        raise AnotherPosting(earlier.id)
    return earlier


def _check_reversible(db: Session, reverses: LedgerTransaction) -> None:
    """Check that it is not reversed yet. The locked accounts keep others from doing so. Raises NotReversible."""
    if db.scalar(select(LedgerTransaction.id).where(LedgerTransaction.reverses_id == reverses.id)) is not None:
        raise NotReversible(reverses.id)


def _check_balances(accounts: Mapping[Account, Locked], amounts: Amounts) -> None:
    for account, fen in sorted(amounts.items()):
        balance = accounts[account].balance_fen + account.sign * fen
        if balance < 0 and account.kind != MAY_OWE:
            raise Overdrawn(account, -balance)


def _check_parts(db: Session, move: Move, accounts: Mapping[Account, Locked], amounts: Amounts) -> None:
    for account, fen in amounts.items():
        if account.kind == "appeal" and move.counts_as and move.part(fen) < 0:
            kept = select(LedgerSum.kind, LedgerSum.amount_fen).where(LedgerSum.account_id == accounts[account].id)
            totals = add_up((row.kind, row.amount_fen) for row in db.execute(kept))
            if getattr(totals, move.counts_as) + move.part(fen) < 0:
                raise MoreBackThanWent(account, move.counts_as)
