"""票据: a donor asks for a donation receipt of a gift, and the charity that holds the money issues it, outside.

We issue none: we hand on who wants one and what for, and keep which number it got. The name that it is made out to is
sealed, and stays no longer than somebody has yet to write it down.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import APPEAL
from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted
from models.core.state_machine import By, Machine
from models.core.subject import Subject

HOLDERS = ("person", "firm")
LONGEST_NAME, LONGEST_NUMBER = 60, 40

_HOLDER = frozenset({By.FUND_HOLDER})

MACHINE = Machine(
    "receipt",
    {
        ("asked", "issued"): _HOLDER,
        ("asked", "refused"): _HOLDER,
        # Its donor wants it no more, or the gift goes back.
        ("asked", "withdrawn"): frozenset({By.OWNER, By.SYSTEM}),
        # The gift went back after all, or a mistake was in it: the charity has cancelled it.
        ("issued", "void"): _HOLDER,
    },
)
# Of these a gift has one at most.
LIVE = ("asked", "issued")
_LIVE = text(f"state IN {LIVE}")
_ASKED = text("state = 'asked'")
_ISSUED = text("state = 'issued'")


class Receipt(Base):
    """``holder``: whom it is made out to, a person or a firm, under ``name``; ``tax_number``: the firm's.

    ``number``: the receipt's own, as the charity gave it. ``reason``: why none is issued.
    """

    __tablename__ = "receipts"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledges.id"))
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    holder: Mapped[str] = mapped_column(String(8))
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
        one_of("holder", HOLDERS),
        CheckConstraint("(state = 'asked') = (name IS NOT NULL)", name="named_while_asked"),
        CheckConstraint("name IS NOT NULL OR tax_number IS NULL", name="numbered_while_named"),
        CheckConstraint("(state IN ('issued', 'void')) = (number IS NOT NULL)", name="issued_by_number"),
        CheckConstraint("(state = 'refused') = (reason IS NOT NULL)", name="refused_for_a_reason"),
        CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name="decided_once"),
        Index("uq_receipts_live", "pledge_id", unique=True, postgresql_where=_LIVE),
        Index("ix_receipts_asked", "appeal_id", "id", postgresql_where=_ASKED),
        Index("ix_receipts_issued", "pledge_id", postgresql_where=_ISSUED),
    )


RECEIPT = Subject("receipt", Receipt, MACHINE, begins=("asked",), whole=APPEAL, whole_id=Receipt.appeal_id)


def live_receipt(db: Session, pledge_id: int) -> Receipt | None:
    """The one that is asked for or issued."""
    return db.scalar(select(Receipt).where(Receipt.pledge_id == pledge_id, Receipt.state.in_(LIVE)))
