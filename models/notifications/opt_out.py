"""Let people turn notifications off (退订): a topic, altogether or for one appeal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from models.notifications.kinds import KINDS
from models.notifications.mute import Mute, mute
from models.notifications.notification import UNREAD, Notification


@dataclass(frozen=True, slots=True)
class MutedAppeal:
    """An appeal about which a person has turned this topic off."""

    topic: str
    number: int


def turn_off(db: Session, conversation_id: int, topic: str, now: datetime, appeal_id: int = 0) -> None:
    """Turn a topic off altogether (0) or for one appeal, and delete its unread notifications.

    One that a worker is sending at this moment still goes out.
    """
    mute(db, conversation_id, topic, now, appeal_id)
    kinds = [name for name, kind in KINDS.items() if kind.topic == topic]
    waiting = (
        select(Notification.id)
        .where(
            Notification.conversation_id == conversation_id,
            Notification.state.in_(UNREAD),
            Notification.template.in_(kinds),
        )
        .with_for_update(skip_locked=True)
    )
    if appeal_id:
        waiting = waiting.where(Notification.subject == "appeal", Notification.subject_id == appeal_id)
    db.execute(delete(Notification).where(Notification.id.in_(db.scalars(waiting).all())))


def muted_appeals(db: Session, conversation_id: int, most: int) -> tuple[Sequence[MutedAppeal], int]:
    """List the appeals that were turned off one by one, the last first, and count all of them."""
    theirs = (Mute.conversation_id == conversation_id) & (Mute.subject_id != 0)
    rows = db.execute(
        select(Mute.topic, Mute.subject_id)
        .where(theirs)
        .order_by(Mute.at.desc(), Mute.subject_id.desc(), Mute.topic)
        .limit(most)
    )
    return [MutedAppeal(*row) for row in rows], db.scalar(select(func.count()).select_from(Mute).where(theirs)) or 0
