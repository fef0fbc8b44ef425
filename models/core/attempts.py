"""How often somebody has tried today what is not to be found out by trying: the audit trail keeps each try."""

from datetime import datetime, time

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.core.calendar import CHINA


def tries_today(db: Session, purpose: str, conversation_id: int, now: datetime) -> int:
    """Of one conversation, since midnight in China. ``purpose``: the events' subject."""
    today = datetime.combine(now.astimezone(CHINA).date(), time(), CHINA)
    tried = (AuditEvent.subject == purpose) & (AuditEvent.subject_id == conversation_id) & (AuditEvent.at >= today)
    return db.scalar(select(func.count()).where(tried)) or 0
