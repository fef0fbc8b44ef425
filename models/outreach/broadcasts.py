"""What staff see of the broadcasts of their place: which there are, how far each is, and who may stop one."""

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
from models.staff.member import Staff, same_people, tell_staff
from models.staff.queue import within

_MOST = 5


class NoSuchBroadcast(Refusal):
    """There is none, or it is of another place and by somebody else."""

    code = "no_such_broadcast"


class NotYoursToStop(Refusal):
    """Who began it stops it, and the county."""

    code = "not_yours_to_stop"


@dataclass(frozen=True, slots=True)
class Progress:
    """``planned`` notices were written for people; ``owed`` are still to go, ``gone`` went out (``arrived`` of them
    for sure), ``waiting`` stand in the reply to their person's next message, ``failed`` never went.
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
    """One that this one began, or of their place. Raises NoSuchBroadcast."""
    broadcast = db.get(Broadcast, number, with_for_update=lock or None, populate_existing=lock)
    if broadcast is None or not (_began(db, staff, broadcast) or _is_of_place(db, staff, broadcast)):
        raise NoSuchBroadcast(number=number)
    return broadcast


def recent_ones(db: Session, staff: Staff) -> Sequence[Broadcast]:
    """Those that this one may see, the newest first."""
    own = Broadcast.by.in_(same_people(db, [staff.id]))
    seen = select(Broadcast).join(Appeal, Appeal.id == Broadcast.subject_id)
    seen = seen.where(Broadcast.subject == "appeal", or_(own, within(staff, Appeal.region_code)))
    return db.scalars(seen.order_by(Broadcast.id.desc()).limit(_MOST)).all()


def check_stop(db: Session, staff: Staff, broadcast: Broadcast) -> None:
    """Raises NotYoursToStop."""
    if not _began(db, staff, broadcast) and staff.role != By.COUNTY:
        raise NotYoursToStop(number=broadcast.id)


def progress_of(db: Session, broadcast: Broadcast) -> Progress:
    """As it stands at this moment."""
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


def tell_done(db: Session, broadcast: Broadcast, now: datetime) -> None:
    """To who began it, if that was one of the staff."""
    by = db.get(Staff, broadcast.by) if broadcast.by else None
    if by:
        done = progress_of(db, broadcast)
        facts = {name: getattr(done, name) for name in ("number", "template", "appeal", "title", "planned", "gone")}
        facts |= {"waiting": done.waiting, "failed": done.failed}
        tell_staff(db, by, "broadcast_done", facts, f"broadcast_done:{broadcast.id}", now)


def _began(db: Session, staff: Staff, broadcast: Broadcast) -> bool:
    return broadcast.by in same_people(db, [staff.id])


def _is_of_place(db: Session, staff: Staff, broadcast: Broadcast) -> bool:
    return staff.covers(db.get_one(Appeal, broadcast.subject_id).region_code)
