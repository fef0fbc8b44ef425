"""Show staff the broadcasts of their region and their progress, and decide who may stop one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.refusal import Refusal
from models.core.state_machine import By
from models.notifications.broadcast import Broadcast, count_states
from models.staff.member import Staff, all_seats_of, covered_by, notify_staff

_MOST = 5


class NoSuchBroadcast(Refusal):
    """The broadcast does not exist, or it is outside the region and another member of staff began it."""

    code = "no_such_broadcast"


class NotYoursToStop(Refusal):
    """Only the member of staff who began the broadcast, or the county, may stop it."""

    code = "not_yours_to_stop"


@dataclass(frozen=True, slots=True)
class Progress:
    """A broadcast's notifications, counted by state.

    ``planned``: written so far. ``owed``: not sent yet. ``gone``: sent; ``arrived``: those of them that WeChat
    confirmed. ``waiting``: kept for the reply to the person's next message. ``failed``: never sent.
    """

    number: int
    template: str
    appeal: int
    title: str
    state: str
    begun_at: datetime
    planned: int
    owed: int
    gone: int
    arrived: int
    waiting: int
    failed: int


def find_broadcast(db: Session, staff: Staff, number: int, *, lock: bool = False) -> Broadcast:
    """Get a broadcast that this member of staff began or that is in their region. Raises NoSuchBroadcast."""
    broadcast = db.get(Broadcast, number, with_for_update=lock or None, populate_existing=lock)
    if broadcast is None or not (_began(db, staff, broadcast) or _is_of_place(db, staff, broadcast)):
        raise NoSuchBroadcast(number=number)
    return broadcast


def recent_broadcasts(db: Session, staff: Staff) -> Sequence[Broadcast]:
    """List the newest broadcasts that this member of staff may see, at most five."""
    own = Broadcast.by.in_(all_seats_of(db, [staff.id]))
    seen = select(Broadcast).join(Appeal, Appeal.id == Broadcast.subject_id)
    seen = seen.where(Broadcast.subject == "appeal", or_(own, covered_by(staff, Appeal.region_code)))
    return db.scalars(seen.order_by(Broadcast.id.desc()).limit(_MOST)).all()


def check_stop(db: Session, staff: Staff, broadcast: Broadcast) -> None:
    """Raise NotYoursToStop unless this member of staff may stop the broadcast."""
    if not _began(db, staff, broadcast) and staff.role != By.COUNTY:
        raise NotYoursToStop(number=broadcast.id)


def progress_of(db: Session, broadcast: Broadcast) -> Progress:
    """Count the broadcast's notifications by state as they are now."""
    counts = count_states(db, broadcast.id)

    def total(*states: str) -> int:
        return sum(counts.get(state, 0) for state in states)

    return Progress(
        number=broadcast.id,
        template=broadcast.template,
        appeal=broadcast.subject_id,
        title=json.loads(broadcast.facts)["title"],
        state=broadcast.state,
        begun_at=broadcast.created_at,
        planned=broadcast.planned,
        owed=total("owed", "sending"),
        gone=total("sent", "delivered", "read"),
        arrived=total("delivered", "read"),
        waiting=total("waiting"),
        failed=total("failed"),
    )


def notify_done(db: Session, broadcast: Broadcast, now: datetime) -> None:
    """Notify the member of staff who began the broadcast that it is done; the system's own notify nobody."""
    by = db.get(Staff, broadcast.by) if broadcast.by else None
    if by:
        done = progress_of(db, broadcast)
        facts = {name: getattr(done, name) for name in ("number", "template", "appeal", "title", "planned", "gone")}
        facts |= {"waiting": done.waiting, "failed": done.failed}
        notify_staff(db, by, "broadcast_done", facts, f"broadcast_done:{broadcast.id}", now)


def _began(db: Session, staff: Staff, broadcast: Broadcast) -> bool:
    return broadcast.by in all_seats_of(db, [staff.id])


def _is_of_place(db: Session, staff: Staff, broadcast: Broadcast) -> bool:
    return staff.covers(db.get_one(Appeal, broadcast.subject_id).region_code)
