"""Take an erased donor's name out of what the families were told of their gifts. The gifts stay, by their codes."""

import json

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.leaver import PAGE, Leaver
from models.giving.pledge import Pledge
from models.notifications.notification import Notification


def forget(db: Session, leaver: Leaver, after: int) -> int | None:
    """Take the name out of the notifications about a page of the gifts."""
    theirs = select(Pledge.id).where(Pledge.donor_id == leaver.user_id, Pledge.id > after)
    gifts = db.scalars(theirs.order_by(Pledge.id).limit(PAGE)).all()
    keys = [f"pledged:{gift}" for gift in gifts]
    # Locked: another gift may be joined to a waiting notification at this moment.
    told = select(Notification).where(Notification.dedupe_key.in_(keys)).order_by(Notification.id).with_for_update()
    for notice in db.scalars(told):
        notice.facts = json.dumps({**json.loads(notice.facts), "name": None}, ensure_ascii=False)
    db.flush()
    return gifts[-1] if gifts else None
