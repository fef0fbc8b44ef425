"""Accounts: where money is, what is owed to whom, and their balances, which change under their locks alone.

Debit is positive in entries. A balance stands in its account's normal
direction, so that more is more for all of them: a trigger moves it with every
entry, and no account but ``fees`` goes below nothing, whoever writes.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, String, UniqueConstraint, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of

# What we have and what we spent; the others are what we owe. The trigger in the migrations knows them too.
DEBIT = frozenset({"channel", "bank", "fees"})
KINDS = DEBIT | {"appeal", "pool", "refunds", "unassigned"}
MAY_OWE = "fees"


class Account(NamedTuple):
    """``channel``: with the payment channel. ``bank``, ``fees``: a fund holder's. ``appeal``, ``pool``: held for it.

    ``refunds``: on its way back to donors. ``unassigned``: came too late or for nothing. ``subject_id`` is the
    number of the holder, appeal or pool, and 0 where there is but one account of the kind.
    """

    kind: str
    subject_id: int = 0

    @property
    def sign(self) -> int:
        """From an entry's direction to the balance's."""
        return 1 if self.kind in DEBIT else -1


CHANNEL = Account("channel")
REFUNDS = Account("refunds")
UNASSIGNED = Account("unassigned")


class LedgerAccount(Base):
    __tablename__ = "ledger_accounts"
    id: Mapped[RowId]
    kind: Mapped[str] = mapped_column(String(12))
    subject_id: Mapped[int]
    balance_fen: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (
        UniqueConstraint("kind", "subject_id"),
        one_of("kind", KINDS),
        CheckConstraint(f"kind = '{MAY_OWE}' OR balance_fen >= 0", name="not_overdrawn"),
    )


class LedgerSum(Base):
    """What each kind of posting has come to on an account, debit positive; the trigger moves it with every entry."""

    __tablename__ = "ledger_sums"
    account_id: Mapped[int] = mapped_column(ForeignKey("ledger_accounts.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(24), primary_key=True)
    amount_fen: Mapped[int]


class Locked(NamedTuple):
    id: int
    balance_fen: int


def lock(db: Session, wanted: Iterable[Account]) -> dict[Account, Locked]:
    """Hold these accounts to the end of the transaction, always in the same order, and read what is on them.

    Whoever posts more than once in a transaction locks all its accounts first: two who do not may wait for each other.
    """
    accounts = sorted(set(wanted))
    table = LedgerAccount
    known = {Account(*row) for row in db.execute(select(table.kind, table.subject_id).where(_among(accounts)))}
    # Made before any is locked: nobody waits for one that is being made while holding another.
    if missing := [account for account in accounts if account not in known]:
        values = [{"kind": account.kind, "subject_id": account.subject_id} for account in missing]
        db.execute(insert(table).values(values).on_conflict_do_nothing(index_elements=["kind", "subject_id"]))
    rows = db.execute(
        select(table.kind, table.subject_id, table.id, table.balance_fen)
        .where(_among(accounts))
        .order_by(table.kind, table.subject_id)
        .with_for_update()
    )
    return {Account(row.kind, row.subject_id): Locked(row.id, row.balance_fen) for row in rows}


def _among(accounts: list[Account]) -> ColumnElement[bool]:
    return tuple_(LedgerAccount.kind, LedgerAccount.subject_id).in_(accounts)
