"""List for staff how the notifications about an appeal or a case went, without their words and without any openid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.notifications.notification import Notification
from models.people.conversation import Conversation


@dataclass(frozen=True, slots=True)
class PastNotification:
    """One notification: its kind, when it was owed, its last channel, and its state.

    ``reasons``: codes of why channels were not used, in the order of the channels
    (models.notifications.delivery_reasons).
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
    """The ``last`` notifications and the ``count`` of all. ``reachable``: the person has a conversation."""

    last: Sequence[PastNotification]
    count: int
    reachable: bool


def notification_history(db: Session, subject: str, number: int, user_id: int, most: int) -> History:
    """List the owner's notifications about a thing, newest first, without those to donors or staff."""
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
    listed = [
        PastNotification(kind, created, state, channel, [code for code in reason.split("+") if code], due, sent, read)
        for kind, created, state, channel, reason, due, sent, read in rows
    ]
    count = db.scalar(select(func.count()).select_from(Notification).where(about)) or 0
    return History(listed, count, db.scalar(theirs.limit(1)) is not None)
