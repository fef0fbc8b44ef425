"""Allocation runs: which payments are being allocated to their gifts, or taken back from them, and how far each is.

While an appeal has a run, no gift to it can be refunded (check_allocated), because what is left of a gift is not known
before all shares are. The payments of one appeal are allocated in the order in which they were paid. A returned
payment's shares are removed before anything else is paid or returned.
"""

from sqlalchemy import CheckConstraint, ForeignKey, exists, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId
from models.core.refusal import Refusal
from models.disbursements.disbursement import Disbursement
from models.giving.pledge import Pledge

# The most gifts in one page.
PAGE = 500
_MOST = 20


class AllocationPending(Refusal):
    """A payment of this appeal is still being allocated to its gifts."""

    code = "allocation_pending"
    final = True


class AllocationRun(Base):
    """A payment that is being allocated; the row is deleted with the last page. ``cursor``: the last gift that is done.

    ``removes``: the bank returned the payment, and its shares are removed. Else ``held_fen`` is what the ledger held
    for the appeal before the payment of ``fen``; the first page writes ``left_fen``, what was left of all its gifts,
    ``gifts_fen``, what they pay, and ``cut_rest`` and ``cut_gift``, the last gift that pays a fen more than its
    rounded-down part. ``matched_fen``: what pools have paid so far.
    """

    __tablename__ = "allocation_runs"
    id: Mapped[RowId]
    disbursement_id: Mapped[int] = mapped_column(ForeignKey("disbursements.id"), unique=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), index=True)
    removes: Mapped[bool]
    cursor: Mapped[int] = mapped_column(default=0, server_default="0")
    fen: Mapped[int]
    held_fen: Mapped[int | None]
    left_fen: Mapped[int | None]
    gifts_fen: Mapped[int | None]
    cut_rest: Mapped[int | None]
    cut_gift: Mapped[int | None]
    matched_fen: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (CheckConstraint("removes = (held_fen IS NULL)", name="held_or_removed"),)


def begin_run(db: Session, disbursement: Disbursement, held_fen: int | None) -> AllocationRun:
    """Begin to allocate a payment; the caller holds the appeal's lock.

    ``held_fen``: what the ledger held for the appeal before this payment. None: to remove a returned payment's shares.
    """
    run = AllocationRun(
        disbursement_id=disbursement.id,
        appeal_id=disbursement.appeal_id,
        removes=held_fen is None,
        fen=disbursement.amount_fen,
        held_fen=held_fen,
    )
    db.add(run)
    db.flush()
    return run


def end_run(db: Session, run: AllocationRun) -> None:
    """End a run whose last page is done, and note on an allocated disbursement what pools paid of it."""
    if not run.removes:
        db.get_one(Disbursement, run.disbursement_id).matched_fen = run.matched_fen
    db.delete(run)
    db.flush()


def first_run(db: Session, appeal_id: int) -> AllocationRun | None:
    """Find the appeal's earliest run, read anew; the caller holds the appeal's lock."""
    runs = select(AllocationRun).where(AllocationRun.appeal_id == appeal_id).order_by(AllocationRun.id).limit(1)
    return db.scalar(runs.execution_options(populate_existing=True))


def unfinished_allocations(db: Session) -> list[int]:
    """List payments whose allocation is not complete; its job was lost or is still running."""
    return list(db.scalars(select(AllocationRun.disbursement_id).order_by(AllocationRun.id).limit(_MOST)))


def is_pending(db: Session, appeal_id: int, *, returned: bool = False) -> bool:
    """Tell whether a payment of the appeal is still being allocated. ``returned``: look at payout returns only."""
    pending = exists().where(AllocationRun.appeal_id == appeal_id)
    if returned:
        pending = pending.where(AllocationRun.removes)
    return bool(db.scalar(select(pending)))


def check_allocated(db: Session, appeal_id: int) -> None:
    """Raise AllocationPending while a payment of the appeal is being allocated."""
    if is_pending(db, appeal_id):
        raise AllocationPending(number=appeal_id)


def fits_one_page(db: Session, appeal_id: int) -> bool:
    """Tell whether the appeal has less than one page of gifts, so that the allocation fits in one transaction."""
    first = select(Pledge.id).where(Pledge.appeal_id == appeal_id).limit(PAGE).subquery()
    return (db.scalar(select(func.count()).select_from(first)) or 0) < PAGE
