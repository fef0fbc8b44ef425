"""Totals of appeals: what is held and how it came about, at the same cost for any number of gifts."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.ledger.accounts import Account, LedgerAccount, LedgerSum
from models.ledger.kinds import DISBURSED, MATCHED, MOVES, PAID, REFUNDED


@dataclass(frozen=True, slots=True)
class Totals:
    """An appeal's totals in fen; paid + matched - refunded - disbursed = held."""

    paid: int = 0
    matched: int = 0
    refunded: int = 0
    disbursed: int = 0

    @property
    def held(self) -> int:
        return self.paid + self.matched - self.refunded - self.disbursed

    @property
    def public(self) -> int:
        """Return what was given and not refunded, whether it was paid out already or not."""
        return self.held + self.disbursed


def add_up(sums: Iterable[tuple[str, int]]) -> Totals:
    """Add up sums (kind, fen; debit positive) of an appeal's account; kinds without ``counts_as`` are ignored."""
    totals = dict.fromkeys((PAID, MATCHED, REFUNDED, DISBURSED), 0)
    for kind, fen in sums:
        move = MOVES.get(kind)
        if move and move.counts_as:
            totals[move.counts_as] += move.part(fen)
    return Totals(**totals)


def held(db: Session, appeal_ids: Iterable[int]) -> dict[int, int]:
    """Appeal id -> fen held for it now, for all given ids."""
    wanted = set(appeal_ids)
    account = LedgerAccount
    theirs = select(account.subject_id, account.balance_fen).where(
        account.kind == "appeal", account.subject_id.in_(sorted(wanted))
    )
    return dict.fromkeys(wanted, 0) | {row.subject_id: row.balance_fen for row in db.execute(theirs)}


def balance(db: Session, account: Account) -> int:
    """Return the account's balance in fen, in its normal direction, without a lock."""
    of = (LedgerAccount.kind == account.kind) & (LedgerAccount.subject_id == account.subject_id)
    return db.scalar(select(LedgerAccount.balance_fen).where(of)) or 0


def totals_of(db: Session, appeal_ids: Iterable[int]) -> dict[int, Totals]:
    """Appeal id -> its totals, for all given ids, in one query."""
    wanted = set(appeal_ids)
    sums: dict[int, list[tuple[str, int]]] = {number: [] for number in wanted}
    rows = db.execute(
        select(LedgerAccount.subject_id, LedgerSum.kind, LedgerSum.amount_fen)
        .join(LedgerSum, LedgerSum.account_id == LedgerAccount.id)
        .where(LedgerAccount.kind == "appeal", LedgerAccount.subject_id.in_(sorted(wanted)))
    )
    for row in rows:
        sums[row.subject_id].append((row.kind, row.amount_fen))
    return {number: add_up(found) for number, found in sums.items()}


def totals(db: Session, appeal_id: int) -> Totals:
    return totals_of(db, [appeal_id])[appeal_id]
