"""How the notices about an appeal or a case went, for staff: none of their words, and nobody's openid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.notifications.notification import Notification
from models.people.conversation import Conversation


@dataclass(frozen=True, slots=True)
class Told:
    """One notice: its kind, when it was owed, by which channel it went last, and where it stands.

    ``reasons``: codes of what kept it from a channel, in the order of the channels
    (models.notifications.notification.Notification.reason).
    """

    kind: str
    created_at: datetime
    state: str
    channel: str | None
    reasons: Sequence[str]
    due_at: datetime
    sent_at: datetime | None
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class History:
    """``reachable``: the person has a WeChat that we know; else nothing can be told to them."""

    last: Sequence[Told]
    count: int
    reachable: bool


def history(db: Session, subject: str, number: int, user_id: int, most: int) -> History:
    """What its owner was told about it, the newest first; nothing of what went to donors or to staff."""
    theirs = select(Conversation.id).where(Conversation.user_id == user_id)
    about = (
        (Notification.subject == subject)
        & (Notification.subject_id == number)
        & Notification.conversation_id.in_(theirs)
    )
    columns = (
        Notification.template,
        Notification.created_at,
        Notification.state,
        Notification.channel,
        Notification.reason,
        Notification.due_at,
        Notification.sent_at,
        Notification.read_at,
    )
    rows = db.execute(select(*columns).where(about).order_by(Notification.id.desc()).limit(most)).all()
    told = [
        Told(kind, created, state, channel, [code for code in reason.split("+") if code], due, sent, read)
        for kind, created, state, channel, reason, due, sent, read in rows
    ]
    count = db.scalar(select(func.count()).select_from(Notification).where(about)) or 0
    return History(told, count, db.scalar(theirs.limit(1)) is not None)
