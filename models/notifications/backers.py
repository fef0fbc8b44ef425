"""Word to all who gave to an appeal: begun with what causes it, written a page of people at a time afterwards."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import column, exists, select, table
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.notifications.broadcast import Broadcast

# By their names: models.giving.pledge knows of appeals, and appeals of this.
_PLEDGES = table("pledges", column("appeal_id"))


def tell_backers(db: Session, template: str, number: int, title: str, key: str, now: datetime, **facts: Any) -> None:
    """A fan-out (models.outreach.broadcasts) to the backers of appeal ``number``, once per ``key``; none where nobody
    gave.

    The caller holds the appeal's row.
    """
    gave = exists().where(_PLEDGES.c.appeal_id == number)
    begun = exists().where(Broadcast.dedupe_key == key)
    if not db.scalar(select(gave & ~begun)):
        return
    broadcast = Broadcast(
        dedupe_key=key,
        template=template,
        facts=json.dumps({"number": number, "title": title, **facts}, ensure_ascii=False),
        subject="appeal",
        subject_id=number,
        audience="backers",
        audience_of=str(number),
        created_at=now,
    )
    db.add(broadcast)
    db.flush()
    what = f"{template}:{number}"
    record(db, at=now, actor="system", action="begun", subject="broadcast", subject_id=broadcast.id, detail=what)
