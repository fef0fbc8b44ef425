"""Accounts: where money is and to whom it is owed; balances change only under the accounts' locks.

Debit is positive in entries. A balance counts in its account's normal direction, so that it is positive for all of
them: a trigger moves it with every entry, and a constraint keeps every account but ``fees`` from going below zero.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, func, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from models.core.base import Base, RowId, one_of

# Accounts with a debit balance: what we have and what we spent; the others are what we owe. The migration's trigger
# names these kinds too.
CHANNEL = "channel"
DEBIT = frozenset({CHANNEL, "bank", "fees"})
KINDS = DEBIT | {"appeal", "pool", "refunds", "unassigned"}
MAY_OWE = "fees"


class Account(NamedTuple):
    """An account's kind and the number of its charity, bank account, appeal or pool (``subject_id``).

    A charity's are ``channel``: with the payment channel; ``refunds``: owed to donors; and ``unassigned``: suspense
    items, paid too late or without a known order. ``bank``, ``fees``: a bank account's. ``appeal``, ``pool``: held for
    it. A trigger refuses a posting between accounts of two charities.
    """

    kind: str
    subject_id: int

    @property
    def sign(self) -> int:
        """Turn an entry (debit positive) into a change of the balance: 1 or -1."""
        return 1 if self.kind in DEBIT else -1


# Charity 0 is the one that was there first. Its bank accounts are known by the regions of its fund holders, which are
# numbers of twelve digits; those of others by the charity's number.
FIRST_CHARITY = 0
SMALLEST_REGION = 10**11


def channel_of(charity_id: int) -> Account:
    return Account(CHANNEL, charity_id)


def refunds_of(charity_id: int) -> Account:
    return Account("refunds", charity_id)


def unassigned_of(charity_id: int) -> Account:
    return Account("unassigned", charity_id)


def charity_of_bank(number: int) -> int:
    """Return the charity whose bank account it is."""
    return FIRST_CHARITY if number >= SMALLEST_REGION else number


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


# In which order accounts are locked: channels last, so that payments need not hold them for longer.
IN_ORDER = (LedgerAccount.kind == CHANNEL, LedgerAccount.id)


class LedgerSum(Base):
    """The sum in fen of each kind of posting on an account, debit positive; a trigger moves it with every entry."""

    __tablename__ = "ledger_sums"
    account_id: Mapped[int] = mapped_column(ForeignKey("ledger_accounts.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(24), primary_key=True)
    amount_fen: Mapped[int]


class Locked(NamedTuple):
    id: int
    balance_fen: int


def lock(db: Session, wanted: Iterable[Account], added_to: Iterable[Account] = ()) -> dict[Account, Locked]:
    """Lock these accounts to the end of the transaction, always in the same order, and read their balances in fen.

    A transaction that posts more than once locks all its accounts first; else two of them may deadlock. ``added_to``:
    channels, to which only the last posting of the transaction adds, and which that locks itself. They are returned as
    they are now: all payments of a charity add to one, and wait for each other only from that posting to the commit.
    """
    accounts, others = sorted(set(wanted)), sorted(set(added_to))
    held = _lock(db, accounts, others)
    if len(held) == len(accounts) + len(others):
        return held
    # Created before any is locked: no transaction waits for a new account while it holds another.
    values = [{"kind": account.kind, "subject_id": account.subject_id} for account in accounts + others]
    new = insert(LedgerAccount).values(values)
    db.execute(new.on_conflict_do_nothing(index_elements=["kind", "subject_id"]))
    return _lock(db, accounts, others)


def _lock(db: Session, accounts: list[Account], others: list[Account]) -> dict[Account, Locked]:
    """Lock the accounts, channels last, and find the others; where one of them all is not there yet, none."""
    table, other = LedgerAccount, aliased(LedgerAccount)
    wanted = tuple_(other.kind, other.subject_id).in_(accounts + others)
    there = select(func.count()).where(wanted).scalar_subquery()
    found = select(table.kind, table.subject_id, table.id, table.balance_fen)
    found = found.where(there == len(accounts) + len(others))
    locked = found.where(tuple_(table.kind, table.subject_id).in_(accounts))
    locked = locked.order_by(*IN_ORDER).with_for_update()
    if others:
        held = locked.cte("locked")
        looked_at = found.where(tuple_(table.kind, table.subject_id).in_(others))
        rows = db.execute(union_all(select(held), looked_at)).all()
    else:
        rows = db.execute(locked).all()
    return {Account(row.kind, row.subject_id): Locked(row.id, row.balance_fen) for row in rows}
