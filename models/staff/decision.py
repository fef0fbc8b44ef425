"""Keep officers' decisions with their reasons: for the audit trail, the three-people rule, and statistics."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, Row, SmallInteger, String, select, text, update
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId, one_of
from models.core.refusal import Refusal
from models.core.state_machine import Actor, Machine, Stateful
from models.staff.member import Staff, all_seats_of
from models.staff.task import Matter, close_task

# A spot check of what was passed ends in ``sound``, or in ``doubt``, on which the county decides.
VERDICTS = ("pass", "return", "reject", "uphold", "dismiss", "freeze", "resume", "revoke", "sound", "doubt")


# The subject of a decision's own audit event.
DECIDED = "decision"


class DecidedBefore(Refusal):
    """This officer passed it at an earlier stage; each stage needs another person."""

    code = "decided_before"


class Decision(Base):
    """``reasons`` are codes of config/choices.toml with commas between. ``round`` counts how often it was submitted.

    A unique index lets a seat pass one thing only once per round; ``decide`` checks it for all seats of the person.
    """

    __tablename__ = "decisions"
    id: Mapped[RowId]
    subject: Mapped[str] = mapped_column(String(16))
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
            postgresql_where=text("verdict = 'pass'"),
        ),
    )


def decide(
    db: Session, matter: Matter, round_: int, staff: Staff, verdict: str, now: datetime, reasons: Sequence[str] = ()
) -> Decision:
    """Keep a decision; one against earlier passes marks those as overturned by it. Raises DecidedBefore."""
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
    who, what = staff.actor.name, audit_detail(decision)
    record(db, at=now, actor=who, action="decided", subject=DECIDED, subject_id=decision.id, detail=what)
    if verdict in ("return", "reject", "uphold", "revoke") and not _is_rejected(db, matter, decision):
        overturn(db, matter, "pass", decision)
    return decision


def end_review(
    db: Session,
    machine: Machine,
    thing: Stateful,
    to: str,
    actor: Actor,
    now: datetime,
    *,
    staff: Staff | None = None,
    detail: str | None = None,
) -> None:
    """End the review: change the state and close the task. ``staff`` decided on it; None: the review is needless."""
    machine.move(db, thing, to, actor, now, detail)
    close_task(db, machine.subject, thing.id, now, staff)
    db.flush()


def overturn(db: Session, matter: Matter, verdict: str, by: Decision, *, all_rounds: bool = False) -> None:
    """Mark earlier decisions with this verdict, of the same round or of all rounds before, as overturned by ``by``."""
    said = (Decision.verdict == verdict) & (Decision.id < by.id)
    said &= Decision.round <= by.round if all_rounds else Decision.round == by.round
    open_ones = update(Decision).where(_of(matter), said, Decision.overturned_by.is_(None))
    db.execute(open_ones.values(overturned_by=by.id))


def _is_rejected(db: Session, matter: Matter, decision: Decision) -> bool:
    """Tell whether a rejection of this round still stands: an officer who passed it on has not said yes."""
    said = (Decision.round == decision.round) & (Decision.verdict == "reject") & (Decision.id < decision.id)
    return (
        db.scalar(select(Decision.id).where(_of(matter), said, Decision.overturned_by.is_(None)).limit(1)) is not None
    )


def audit_detail(decision: Decision | Row[Any]) -> str:
    """Write the decision as the audit trail keeps it, unchangeable: ``case:7 round 2: pass as township``."""
    what = f"{decision.subject}:{decision.subject_id} round {decision.round}"
    return f"{what}: {decision.verdict} as {decision.role}"


def passed_by(db: Session, matter: Matter, round_: int) -> set[int]:
    """Return the ids of the staff who passed it in this round, with every seat of the same persons."""
    passed = select(Decision.staff_id).where(_of(matter), Decision.round == round_, Decision.verdict == "pass")
    return all_seats_of(db, db.scalars(passed))


def overturned_by_objection(db: Session, matter: Matter) -> set[int]:
    """Return the ids of staff whose pass an upheld objection overturned, in any round: they may not decide it again."""
    upheld = aliased(Decision)
    taken_back = select(Decision.staff_id).join(upheld, upheld.id == Decision.overturned_by)
    return all_seats_of(
        db, db.scalars(taken_back.where(_of(matter), Decision.verdict == "pass", upheld.verdict == "uphold"))
    )


def _of(matter: Matter) -> ColumnElement[bool]:
    return (Decision.subject == matter.subject) & (Decision.subject_id == matter.number)
