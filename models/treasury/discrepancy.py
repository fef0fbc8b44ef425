"""Keep the discrepancies between the channel's bill and our books, from found to closed with a reason.

A discrepancy never moves money. One that resolves itself (a late callback arrived) is closed by the next comparison;
the others by a fund holder or a county officer, after they have dealt with it.
"""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Select,
    String,
    UniqueConstraint,
    func,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted
from models.core.refusal import Refusal
from models.core.state_machine import By, Machine
from models.core.subject import Subject
from models.staff.member import Staff
from models.treasury.account_kind import KINDS
from models.treasury.bill import SUBJECTS, Bill

DIFFERENCES = ("missing_here", "missing_there", "amount", "state", "ledger")
# Why one was closed. Only the comparison uses RESOLVED, only people the others.
RESOLVED = "came_right"
REASONS = ("entered", "given_back", "channel_wrong", "not_ours", "explained")
LONGEST_NOTE = 200
_OPEN = text("state = 'open'")

MACHINE = Machine("discrepancy", {("open", "closed"): frozenset({By.SYSTEM, By.FUND_HOLDER, By.COUNTY})})


class NoSuchDiscrepancy(Refusal):
    """No open discrepancy has this ``number``, or it is outside the officer's region."""

    code = "no_such_discrepancy"


class NoteMissing(Refusal):
    """Closing a discrepancy needs a note of what was done. ``number``, ``reason`` as typed."""

    code = "note_missing"


class Discrepancy(Base):
    """One difference, by kind. ``missing_here``: on the bill only (``ours_state``: the state of our order or refund, if
    any). ``missing_there``: ours only. ``amount``, ``state``: both have it, and differ. ``ledger``: the ledger's
    posting (``ours_fen``) differs from our order or refund. ``day`` is the bill's; for ``missing_there``, the day it
    moved. ``number``: the line's. ``seen_at``: when it was last found.
    """

    __tablename__ = "discrepancies"
    id: Mapped[RowId]
    merchant: Mapped[str] = mapped_column(String(32))
    day: Mapped[date] = mapped_column(Date)
    kind: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(8))
    number: Mapped[str] = mapped_column(String(64))
    out_trade_no: Mapped[str] = mapped_column(String(32))
    out_refund_no: Mapped[str | None] = mapped_column(String(64))
    ours_fen: Mapped[int | None]
    theirs_fen: Mapped[int | None]
    ours_state: Mapped[str | None] = mapped_column(String(24))
    theirs_state: Mapped[str | None] = mapped_column(String(24))
    state: Mapped[str] = mapped_column(String(8), default="open")
    found_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    reason: Mapped[str | None] = mapped_column(String(16))
    note: Mapped[str | None] = mapped_column(Encrypted("discrepancy note"))

    __table_args__ = (
        one_of("kind", DIFFERENCES),
        one_of("subject", SUBJECTS),
        one_of("state", ("open", "closed")),
        one_of("reason", (RESOLVED, *REASONS)),
        CheckConstraint("(subject = 'refund') = (out_refund_no IS NOT NULL)", name="refund_by_number"),
        CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL) AND (state = 'closed') = (reason IS NOT NULL)",
            name="closed_for_a_reason",
        ),
        CheckConstraint(f"reason IS NULL OR (reason = '{RESOLVED}') = (closed_by IS NULL)", name="closed_by_somebody"),
        UniqueConstraint(
            "merchant", "day", "subject", "number", "out_trade_no", "kind", name="uq_discrepancies_found_once"
        ),
        Index("ix_discrepancies_open", "id", postgresql_where=_OPEN),
    )


DISCREPANCY = Subject("discrepancy", Discrepancy, MACHINE, begins=("open",))


def list_open_discrepancies(
    db: Session, staff: Staff, most: int, after: int = 0, day: date | None = None
) -> Sequence[Discrepancy]:
    """List the open discrepancies of the officer's region and of no known region, in the order found."""
    theirs = _seen_by(staff).where(Discrepancy.state == "open", Discrepancy.id > after)
    if day is not None:
        theirs = theirs.where(Discrepancy.day == day)
    return db.scalars(theirs.order_by(Discrepancy.id).limit(most)).all()


def count_open(db: Session, bills: Sequence[Bill]) -> dict[Bill, int]:
    """Count the open discrepancies of each bill, in all regions."""
    key = (Discrepancy.merchant, Discrepancy.day)
    each = select(*key, func.count()).where(tuple_(*key).in_(bills), Discrepancy.state == "open")
    return {Bill(merchant, day): int(count) for merchant, day, count in db.execute(each.group_by(*key))}


def find_discrepancy(db: Session, staff: Staff, number: int, *, lock: bool = False) -> Discrepancy:
    """Return an open discrepancy of the officer's region or of no region. Raises NoSuchDiscrepancy."""
    theirs = _seen_by(staff).where(Discrepancy.id == number, Discrepancy.state == "open")
    if lock:
        theirs = theirs.with_for_update(of=Discrepancy).execution_options(populate_existing=True)
    found = db.scalar(theirs)
    if found is None:
        raise NoSuchDiscrepancy(number=number)
    return found


def close_discrepancy(db: Session, staff: Staff, number: int, reason: str, note: str, now: datetime) -> Discrepancy:
    """Close a discrepancy that the officer has dealt with. Locks it. Raises NoSuchDiscrepancy or NoteMissing."""
    discrepancy = find_discrepancy(db, staff, number, lock=True)
    if not note.strip():
        raise NoteMissing(number=number, reason=reason)
    discrepancy.note = note.strip()[:LONGEST_NOTE]
    discrepancy.closed_at, discrepancy.closed_by, discrepancy.reason = now, staff.id, reason
    MACHINE.move(db, discrepancy, "closed", staff.actor, now, detail=reason)
    db.flush()
    return discrepancy


def _seen_by(staff: Staff) -> Select[Discrepancy]:
    """Select what an officer may see, of accounts of every kind."""
    return select(Discrepancy).where(or_(*(kind.seen_by(staff) for kind in KINDS.values())))
