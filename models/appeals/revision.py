"""Revisions: changes to a published appeal, which stay hidden until an officer approves them."""

from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, Index, String, Text, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import APPEAL
from models.core.audit_trail import AuditEvent
from models.core.base import Base, RowId, one_of
from models.core.state_machine import By, Machine
from models.core.subject import Subject

_OFFICER = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})

MACHINE = Machine(
    "revision",
    {
        ("draft", "submitted"): frozenset({By.OWNER}),
        ("submitted", "approved"): _OFFICER,
        ("submitted", "rejected"): _OFFICER,
        # The owner has submitted another one, or was erased.
        ("submitted", "withdrawn"): frozenset({By.OWNER, By.SYSTEM}),
    },
)


class Revision(Base):
    """A proposed title, story and photos of a live appeal; its sum, deadline and kind never change.

    ``kept``: the numbers of the appeal's photos that stay, comma-separated; new photos have the subject ``revision``
    until it is approved.
    """

    __tablename__ = "revisions"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), index=True)
    title: Mapped[str] = mapped_column(String(60))
    story: Mapped[str] = mapped_column(Text)
    kept: Mapped[str] = mapped_column(String(200), default="", server_default="")
    state: Mapped[str] = mapped_column(String(12), default="draft")
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", MACHINE.states),
        Index(
            "uq_revisions_one_open",
            "appeal_id",
            unique=True,
            postgresql_where=text("state = 'submitted'"),
        ),
    )


REVISION = Subject(
    "revision",
    Revision,
    MACHINE,
    begins=("draft",),
    parent=APPEAL,
    parent_id=Revision.appeal_id,
    photos=("revision",),
    shown=Revision.state == "submitted",
)


def undecided_revision(db: Session, appeal_id: int) -> Revision | None:
    """Find the appeal's undecided revision; None without one."""
    return db.scalar(select(Revision).where(Revision.appeal_id == appeal_id, Revision.state == "submitted"))


def approvals_of(appeal_id: int) -> ColumnElement[bool]:
    """Select the events of the audit trail that approved a revision of this appeal."""
    revisions = select(Revision.id).where(Revision.appeal_id == appeal_id)
    approved = (AuditEvent.subject == "revision") & (AuditEvent.to_state == "approved")
    return approved & AuditEvent.subject_id.in_(revisions)
