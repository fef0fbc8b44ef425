"""Limit guessing: count how often a conversation has tried a code or an ID number today, by the audit trail."""

from datetime import datetime, time

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.core.calendar import CHINA


def tries_today(db: Session, purpose: str, conversation_id: int, now: datetime) -> int:
    """Count the conversation's recorded tries since midnight in China. ``purpose``: the events' subject."""
    today = datetime.combine(now.astimezone(CHINA).date(), time(), CHINA)
    tried = (AuditEvent.subject == purpose) & (AuditEvent.subject_id == conversation_id) & (AuditEvent.at >= today)
    return db.scalar(select(func.count()).where(tried)) or 0
