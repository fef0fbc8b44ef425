"""票据: the table of donation receipts that donors ask for and the fund holder issues outside this system.

This system issues none: it passes the request on and keeps the receipt's number. The name on the receipt is encrypted,
and is deleted once the request is decided.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import APPEAL
from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted
from models.core.state_machine import By, Machine
from models.core.subject import Subject

MADE_OUT_TO = ("person", "firm")
LONGEST_NAME, LONGEST_NUMBER = 60, 40

_HOLDER = frozenset({By.FUND_HOLDER})

MACHINE = Machine(
    "receipt",
    {
        ("asked", "issued"): _HOLDER,
        ("asked", "refused"): _HOLDER,
        # The donor withdraws the request, or the gift is refunded.
        ("asked", "withdrawn"): frozenset({By.OWNER, By.SYSTEM}),
        # The gift was refunded later: the fund holder has cancelled the receipt.
        ("issued", "void"): _HOLDER,
    },
)
# A gift has at most one receipt in these states.
LIVE = ("asked", "issued")
_LIVE = text(f"state IN {LIVE}")
_ASKED = text("state = 'asked'")
_ISSUED = text("state = 'issued'")


class Receipt(Base):
    """A requested receipt. ``made_out_to``: whether it is made out to a person or a firm; ``tax_number``: the firm's.

    ``number``: the receipt's number, from the fund holder. ``reason``: a code, why it was refused.
    """

    __tablename__ = "receipts"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledges.id"))
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    made_out_to: Mapped[str] = mapped_column(String(8))
    name: Mapped[str | None] = mapped_column(Encrypted("receipt name"))
    tax_number: Mapped[str | None] = mapped_column(Encrypted("receipt tax number"))
    state: Mapped[str] = mapped_column(String(10), default="asked")
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    number: Mapped[str | None] = mapped_column(String(LONGEST_NUMBER))
    reason: Mapped[str | None] = mapped_column(String(20))

    __table_args__ = (
        one_of("state", MACHINE.states),
        one_of("made_out_to", MADE_OUT_TO),
        CheckConstraint("(state = 'asked') = (name IS NOT NULL)", name="named_while_asked"),
        CheckConstraint("name IS NOT NULL OR tax_number IS NULL", name="numbered_while_named"),
        CheckConstraint("(state IN ('issued', 'void')) = (number IS NOT NULL)", name="issued_by_number"),
        CheckConstraint("(state = 'refused') = (reason IS NOT NULL)", name="refused_for_a_reason"),
        CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name="decided_once"),
        Index("uq_receipts_live", "pledge_id", unique=True, postgresql_where=_LIVE),
        Index("ix_receipts_asked", "appeal_id", "id", postgresql_where=_ASKED),
        Index("ix_receipts_issued", "pledge_id", postgresql_where=_ISSUED),
    )


RECEIPT = Subject("receipt", Receipt, MACHINE, begins=("asked",), parent=APPEAL, parent_id=Receipt.appeal_id)


def current_receipt(db: Session, pledge_id: int) -> Receipt | None:
    """Find the gift's receipt that is asked for or issued."""
    return db.scalar(select(Receipt).where(Receipt.pledge_id == pledge_id, Receipt.state.in_(LIVE)))
