"""Objections: a person objects to a case while it stands on public notice, and the township decides."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record_reading
from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted
from models.core.refusal import Refusal
from models.staff.member import Staff
from models.staff.task import NotYourTurn, take
from models.verification.case import Verification

# States in which a case is shown on public notice, until the notice ends.
ON_NOTICE = ("public_notice", "adjudication")


class NoSuchNotice(Refusal):
    """No case of this number is on notice now. Does not reveal whether the case exists."""

    code = "no_such_notice"


class OwnNotice(Refusal):
    """The case is of the objector's own household."""

    code = "own_notice"
    final = True


class ObjectionHeard(Refusal):
    """The township has decided on this person's objection; during one notice it decides on only one."""

    code = "objection_heard"
    final = True


class Objection(Base):
    """An objection; who made it is known to the township alone."""

    __tablename__ = "objections"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    verification_id: Mapped[int] = mapped_column(ForeignKey("verifications.id"), index=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    words: Mapped[str] = mapped_column(Encrypted("objection words"))
    state: Mapped[str] = mapped_column(String(12), default="open")
    at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", ("open", "upheld", "dismissed")),
        Index(
            "uq_objections_one_open",
            "verification_id",
            "conversation_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
    )


def open_objections(db: Session, case_id: int) -> Sequence[Objection]:
    """List a case's undecided objections, the oldest first."""
    still = (Objection.verification_id == case_id) & (Objection.state == "open")
    return db.scalars(select(Objection).where(still).order_by(Objection.id)).all()


def hear_objections(
    db: Session, case: Verification, staff: Staff, now: datetime, *, note: bool = True
) -> Sequence[Objection]:
    """List a case's open objections (at least one) for the officer whose turn it is; ``note``: record the access.

    Raises OutsideRegion, NotYourTurn (also without an open objection) or HasAPart.
    """
    take(db, staff, case.matter, case.state)
    found = open_objections(db, case.id) if case.state == "adjudication" else ()
    if not found:
        raise NotYourTurn(subject="case", number=case.id, state=case.state, holder=None)
    if note:
        record_reading(
            db,
            at=now,
            actor=staff.actor.name,
            subject="case",
            subject_id=case.id,
            purpose="objection",
        )
    return found
