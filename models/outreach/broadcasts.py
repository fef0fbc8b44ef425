"""A fan-out's way: written a page of people at a time, watched, stopped, and told of when it is done.

Each page is one short transaction that writes its notices and moves the cursor, so that it goes on wherever a killed
worker left it; nobody gets it twice, because a notice's key names the fan-out and the person.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, cast, exists, literal, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.audit_trail import record
from models.core.refusal import Refusal
from models.core.state_machine import By
from models.notifications.broadcast import Broadcast
from models.notifications.notification import Notification
from models.notifications.outbox import count_states, drop_owed
from models.outreach.audience import Audience, audience_of, next_donors, reached
from models.staff.member import Staff, same_people, tell_staff
from models.staff.queue import within

LIVE = ("planning", "sending")
_MOST = 5
# A send that was under way when its fan-out was stopped has come back by then.
_STRAGGLES = timedelta(days=1)


class NoSuchBroadcast(Refusal):
    """There is none, or it is of another place and by somebody else."""

    code = "no_such_broadcast"


class NotYoursToStop(Refusal):
    """Who began it stops it, and the county."""

    code = "not_yours_to_stop"


@dataclass(frozen=True, slots=True)
class Page:
    """The notices that were written, and whether they were the last."""

    ids: Sequence[int]
    last: bool


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


def begin(
    db: Session,
    audience: Audience,
    facts: Mapping[str, Any],
    by: Staff,
    key: str,
    now: datetime,
) -> Broadcast:
    """In the transaction that causes it. ``facts``: the same for everybody. Raises IntegrityError where ``key`` was
    used.
    """
    broadcast = Broadcast(
        dedupe_key=key,
        template=audience.template,
        facts=json.dumps(dict(facts), ensure_ascii=False),
        subject="appeal",
        subject_id=audience.appeal,
        audience=audience.kind,
        audience_of=audience.of,
        by=by.id,
        created_at=now,
    )
    db.add(broadcast)
    db.flush()
    _note(db, broadcast, by.actor.name, "begun", now)
    return broadcast


def live_ones(db: Session) -> list[int]:
    return list(db.scalars(select(Broadcast.id).where(Broadcast.state.in_(LIVE)).order_by(Broadcast.id)))


def plan_page(db: Session, number: int, now: datetime) -> Page | None:
    """Write the notices of the next page of people. None where nothing is left, or another worker is at it."""
    wanted = (Broadcast.id == number) & (Broadcast.state == "planning")
    broadcast = db.scalar(select(Broadcast).where(wanted).with_for_update(skip_locked=True))
    if broadcast is None:
        return None
    donors, cursor, last = next_donors(db, audience_of(broadcast), broadcast.cursor)
    ids = _write(db, broadcast, donors, now) if donors else []
    broadcast.cursor, broadcast.planned = cursor, broadcast.planned + len(ids)
    if last:
        broadcast.state = "sending"
    return Page(ids, last)


def finish(db: Session, number: int, now: datetime) -> bool:
    """If everything has gone its way it is done, and who began it is told."""
    wanted = (Broadcast.id == number) & (Broadcast.state == "sending")
    broadcast = db.scalar(select(Broadcast).where(wanted).with_for_update(skip_locked=True))
    under_way = (Notification.broadcast_id == number) & Notification.state.in_(("owed", "sending"))
    if broadcast is None or db.scalar(select(exists().where(under_way))):
        return False
    broadcast.state, broadcast.ended_at = "done", now
    _note(db, broadcast, "system", "done", now)
    by = db.get(Staff, broadcast.by) if broadcast.by else None
    if by:
        done = progress_of(db, broadcast)
        facts = {name: getattr(done, name) for name in ("number", "template", "appeal", "title", "planned", "gone")}
        facts |= {"waiting": done.waiting, "failed": done.failed}
        tell_staff(db, by, "broadcast_done", facts, f"broadcast_done:{number}", now)
    return True


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


def stop(db: Session, broadcast: Broadcast, actor: str, now: datetime) -> None:
    """Nothing more of it goes out; ``broadcast`` must be locked."""
    broadcast.state, broadcast.ended_at = "stopped", now
    drop_owed(db, broadcast.id)
    _note(db, broadcast, actor, "stopped", now)
    db.flush()


def drop_stragglers(db: Session, now: datetime) -> int:
    """What came back from a send after its fan-out was stopped."""
    lately = (Broadcast.state == "stopped") & (Broadcast.ended_at > now - _STRAGGLES)
    return sum(drop_owed(db, number) for number in db.scalars(select(Broadcast.id).where(lately)).all())


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


def _began(db: Session, staff: Staff, broadcast: Broadcast) -> bool:
    return broadcast.by in same_people(db, [staff.id])


def _is_of_place(db: Session, staff: Staff, broadcast: Broadcast) -> bool:
    return staff.covers(db.get_one(Appeal, broadcast.subject_id).region_code)


def _write(db: Session, broadcast: Broadcast, donors: list[int], now: datetime) -> Sequence[int]:
    """One statement for all of them; the facts are sealed once, since they are the same."""
    columns = Notification.__table__.c
    same = {
        "template": broadcast.template,
        "facts": broadcast.facts,
        "created_at": now,
        "due_at": now,
        "urgency": "bulk",
        "broadcast_id": broadcast.id,
        "subject": broadcast.subject,
        "subject_id": broadcast.subject_id,
    }
    told = reached(audience_of(broadcast), donors)
    person = told.selected_columns.id
    key = literal(f"b{broadcast.id}:", String) + cast(person, String)
    rows: Any = told.add_columns(key, *(literal(value, columns[name].type) for name, value in same.items()))
    written = (
        insert(Notification)
        .from_select(["conversation_id", "dedupe_key", *same], rows, include_defaults=False)
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Notification.id)
    )
    return db.scalars(written).all()


def _note(db: Session, broadcast: Broadcast, actor: str, action: str, now: datetime) -> None:
    what = f"{broadcast.template}:{broadcast.subject_id}"
    record(db, at=now, actor=actor, action=action, subject="broadcast", subject_id=broadcast.id, detail=what)
