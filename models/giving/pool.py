"""Matching pools (配捐): sponsors add to gifts, yuan for yuan, from money paid in with a fund holder."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    case,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import CATEGORIES
from models.core.base import Base, RowId, one_of
from models.core.refusal import Refusal
from models.core.state_machine import By, Machine
from models.core.subject import Subject
from models.ledger import Account
from models.ledger.accounts import charity_of_bank
from models.staff.fund_holder import holder_of
from models.staff.member import Staff

MACHINE = Machine("matching_pool", {("open", "closed"): frozenset({By.FUND_HOLDER})})
LONGEST_SPONSOR = 30
_OPEN = text("state = 'open'")


class NoSuchPool(Refusal):
    """No pool has this number, or it is another fund holder's; the refusal does not say which."""

    code = "no_such_pool"


class WrongPoolState(Refusal):
    """The pool is closed, or it is still open and only a closed one can be paid back (``state``)."""

    code = "wrong_pool_state"
    final = True


class MatchingPool(Base):
    """A sponsor's pool for one appeal, or for a category in a region and all below it.

    ``holder_id``: the fund holder whose bank has its money (the ledger's number). ``sponsor``: a public name.
    ``cap_fen``: the most it adds in all; ``per_donor_fen``, ``per_appeal_fen``: to one donor's gifts, and to one
    appeal. ``matched_fen``: what it has added, less what was returned; it changes only under the row's lock, which
    guards every cap.
    """

    __tablename__ = "matching_pools"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    holder_id: Mapped[int]
    sponsor: Mapped[str] = mapped_column(String(LONGEST_SPONSOR))
    appeal_id: Mapped[int | None] = mapped_column(ForeignKey("appeals.id"))
    category: Mapped[str | None] = mapped_column(String(16))
    region_code: Mapped[str | None] = mapped_column(ForeignKey("regions.code"))
    cap_fen: Mapped[int]
    per_donor_fen: Mapped[int]
    per_appeal_fen: Mapped[int]
    open_until: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(8), default="open")
    matched_fen: Mapped[int] = mapped_column(default=0, server_default="0")
    opened_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", MACHINE.states),
        one_of("category", CATEGORIES),
        CheckConstraint(
            "(appeal_id IS NULL) = (category IS NOT NULL) AND (appeal_id IS NULL) = (region_code IS NOT NULL)",
            name="one_scope",
        ),
        CheckConstraint(
            "per_donor_fen > 0 AND per_appeal_fen > 0 AND per_donor_fen <= cap_fen AND per_appeal_fen <= cap_fen",
            name="caps_within",
        ),
        CheckConstraint("matched_fen >= 0 AND matched_fen <= cap_fen", name="within_cap"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_once"),
        Index("ix_matching_pools_appeal", "appeal_id", postgresql_where=_OPEN),
        Index("ix_matching_pools_scope", "region_code", "category", postgresql_where=_OPEN),
        Index("ix_matching_pools_holder", "holder_id", "id"),
    )

    @property
    def account(self) -> Account:
        return Account("pool", self.id)

    @property
    def charity_id(self) -> int:
        """The charity whose bank has the pool's money, and for whose appeals alone it is."""
        return charity_of_bank(self.holder_id)


POOL = Subject("matching_pool", MatchingPool, MACHINE, begins=("open",), place=MatchingPool.region_code)


class PoolMatch(Base):
    """What a pool has added to a gift, and how much of that was returned, in ``returns`` parts.

    ``appeal_id``, ``donor_id``: the gift's, copied to sum up against the caps.
    """

    __tablename__ = "pool_matches"
    id: Mapped[RowId]
    pool_id: Mapped[int] = mapped_column(ForeignKey("matching_pools.id"))
    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledges.id"))
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    donor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    fen: Mapped[int]
    returned_fen: Mapped[int] = mapped_column(default=0, server_default="0")
    returns: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("pledge_id", "pool_id"),
        CheckConstraint("fen > 0", name="not_nothing"),
        CheckConstraint("returned_fen >= 0 AND returned_fen <= fen", name="returned_within"),
        Index("ix_pool_matches_donor", "pool_id", "donor_id"),
        Index("ix_pool_matches_appeal", "appeal_id", "pool_id"),
    )

    @property
    def cause(self) -> str:
        """The cause of its posting in the ledger."""
        return f"match:{self.id}"

    @property
    def return_cause(self) -> str:
        """The cause of the last return's posting in the ledger."""
        return f"match:{self.id}.{self.returns}"


class PoolSum(Base):
    """What a pool has added to the gifts of an appeal, less what went back.

    Triggers on the matches move it in the statement that moves a match (migration 0075); check-books recounts it.
    """

    __tablename__ = "pool_sums"
    pool_id: Mapped[int] = mapped_column(ForeignKey("matching_pools.id"), primary_key=True, autoincrement=False)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), primary_key=True, autoincrement=False)
    fen: Mapped[int]


class PoolTransfer(Base):
    """A bank transfer by which the sponsor paid in or was paid back. ``bank_reference``: the bank's number of it.

    Not a bank entry (the treasury room stands above this one): it names its pool, and is never reversed.
    """

    __tablename__ = "pool_transfers"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    pool_id: Mapped[int] = mapped_column(ForeignKey("matching_pools.id"), index=True)
    holder_id: Mapped[int]
    kind: Mapped[str] = mapped_column(String(8))
    amount_fen: Mapped[int]
    bank_reference: Mapped[str] = mapped_column(String(40))
    entered_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]

    __table_args__ = (
        one_of("kind", ("paid_in", "returned")),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        UniqueConstraint("holder_id", "bank_reference"),
    )

    @property
    def cause(self) -> str:
        """The cause of its posting in the ledger."""
        return f"pool_transfer:{self.id}"


def find_pool(db: Session, staff: Staff, number: int, *, lock: bool = False) -> MatchingPool:
    """Get a pool of this officer's fund holder; ``lock``: until the transaction ends. Raises NoSuchPool."""
    wanted = select(MatchingPool).where(MatchingPool.id == number, MatchingPool.holder_id == holder_of(staff))
    if lock:
        wanted = wanted.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = db.scalar(wanted)
    if found is None:
        raise NoSuchPool(number=number)
    return found


def check_is_open(pool: MatchingPool) -> None:
    """Check that the pool is open. Raises WrongPoolState."""
    if pool.state != "open":
        raise WrongPoolState(number=pool.id, state=pool.state)


def transferred(db: Session, pool_id: int) -> tuple[int, int]:
    """Sum up a pool's transfers in fen: (paid in, paid back)."""
    fen = PoolTransfer.amount_fen
    both = (func.sum(case((PoolTransfer.kind == kind, fen), else_=0)) for kind in ("paid_in", "returned"))
    row = db.execute(select(*both).where(PoolTransfer.pool_id == pool_id)).one()
    return int(row[0] or 0), int(row[1] or 0)
