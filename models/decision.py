"""Who decided what, and why: kept for the trail, for the three-people rule, and for honest figures."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, Index, SmallInteger, String, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, RowId, one_of
from models.errors import Refusal
from models.staff import Staff, same_people
from models.task import Matter

# Of what was passed below and is looked at again: ``sound``, or ``doubt`` for the county to decide on.
VERDICTS = ("pass", "return", "reject", "uphold", "dismiss", "freeze", "resume", "revoke", "sound", "doubt")


class DecidedBefore(Refusal):
    """This one passed it at an earlier stage: each stage wants another pair of eyes."""

    code = "decided_before"


class Decision(Base):
    """``reasons`` are codes of config/choices.toml with commas between. ``round`` counts how often it was handed in.

    One person passes one thing once per round: the database holds that no two stages are passed by one person.
    """

    __tablename__ = "decisions"
    id: Mapped[RowId]
    subject: Mapped[str] = mapped_column(String(12))
    subject_id: Mapped[int]
    round: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    role: Mapped[str] = mapped_column(String(12))
    verdict: Mapped[str] = mapped_column(String(8))
    reasons: Mapped[str | None] = mapped_column(String(200))
    overturned_by: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"))
    at: Mapped[datetime]

    __table_args__ = (
        one_of("verdict", VERDICTS),
        Index("ix_decisions_subject", "subject", "subject_id"),
        Index("ix_decisions_region_code_at", "region_code", "at"),
        Index(
            "uq_decisions_one_pass",
            "subject",
            "subject_id",
            "round",
            "staff_id",
            unique=True,
            sqlite_where=text("verdict = 'pass'"),
            postgresql_where=text("verdict = 'pass'"),
        ),
    )


def decide(
    db: Session, matter: Matter, round_: int, staff: Staff, verdict: str, now: datetime, reasons: Sequence[str] = ()
) -> Decision:
    """Keep it. What takes back the word of those before is kept with theirs as overturned. Raises DecidedBefore."""
    if verdict == "pass" and staff.id in passed_by(db, matter, round_):
        raise DecidedBefore(number=matter.number, subject=matter.subject)
    decision = Decision(
        subject=matter.subject,
        subject_id=matter.number,
        round=round_,
        region_code=matter.region_code,
        staff_id=staff.id,
        role=staff.role,
        verdict=verdict,
        reasons=",".join(reasons) or None,
        at=now,
    )
    db.add(decision)
    db.flush()
    if verdict in ("return", "reject", "uphold", "revoke"):
        db.execute(
            update(Decision)
            .where(_of(matter), Decision.round == round_, Decision.verdict == "pass", Decision.overturned_by.is_(None))
            .values(overturned_by=decision.id)
        )
    return decision


def passed_by(db: Session, matter: Matter, round_: int) -> set[int]:
    """The staff who passed it in this round, by every seat of theirs."""
    passed = select(Decision.staff_id).where(_of(matter), Decision.round == round_, Decision.verdict == "pass")
    return same_people(db, db.scalars(passed))


def _of(matter: Matter) -> ColumnElement[bool]:
    return (Decision.subject == matter.subject) & (Decision.subject_id == matter.number)
