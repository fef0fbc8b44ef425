"""Forget what an erased person was told, what they wanted to hear, and by which channels they could be reached."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.core.leaver import PAGE, Leaver
from models.notifications.mute import Mute
from models.notifications.notification import Notification
from models.notifications.service_window import ServiceWindow
from models.notifications.subscription import Subscription


def forget(db: Session, leaver: Leaver, after: int) -> int | None:
    """Delete a page of notifications; with the first also the rest, of which there is little."""
    if not after:
        for theirs in (ServiceWindow, Subscription, Mute):
            db.execute(delete(theirs).where(theirs.conversation_id == leaver.conversation_id))
    own = Notification.conversation_id == leaver.conversation_id
    page = db.scalars(select(Notification.id).where(own).order_by(Notification.id).limit(PAGE)).all()
    db.execute(delete(Notification).where(Notification.id.in_(page)))
    return page[-1] if page else None
