"""Read from the audit trail where people lived before: their ties to a village outlast a move."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent, record
from models.people.user import User

_ACTION = "home_changed"


def record_move(db: Session, user: User, before: str | None, now: datetime) -> None:
    """Record that the person moved from ``before`` to their present home."""
    who, detail = f"user:{user.id}", f"{before} to {user.region_code}"
    record(db, at=now, actor=who, action=_ACTION, subject="user", subject_id=user.id, detail=detail)


def homes_before(db: Session, users: Collection[int]) -> dict[int, set[str]]:
    """User -> the codes of all regions in which they lived before; of who never moved, nothing."""
    found: dict[int, set[str]] = defaultdict(set)
    moves = select(AuditEvent.subject_id, AuditEvent.detail).where(_moves(AuditEvent.subject_id.in_(users)))
    for user, detail in db.execute(moves):
        found[user].add((detail or "").partition(" to ")[0])
    return found


def moves_since(db: Session, user_id: int, since: datetime) -> list[datetime]:
    """List when the person moved since then, the oldest first. A move of this transaction is not among them."""
    theirs = _moves(AuditEvent.subject_id == user_id) & (AuditEvent.at > since)
    return list(db.scalars(select(AuditEvent.at).where(theirs).order_by(AuditEvent.id)))


def _moves(whose: ColumnElement[bool]) -> ColumnElement[bool]:
    return (AuditEvent.subject == "user") & whose & (AuditEvent.action == _ACTION)
