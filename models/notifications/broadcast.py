"""A broadcast says one thing to many people: to all who gave to an appeal, to all donors of a province.

planning → sending → done; planning, sending → stopped. The people are walked by their numbers, a page in each short
transaction that writes its notices and moves the cursor, so that it goes on wherever a killed worker left it; nobody
gets it twice, because a notice's key names the broadcast and the person.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted
from models.core.hooks import Hook, Registry
from models.notifications.notification import Notification

_STOPPED = text("state = 'stopped'")

STATES = ("planning", "sending", "done", "stopped")
LIVE = ("planning", "sending")
# A send that was under way when its broadcast was stopped has come back by then.
_STRAGGLES = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Audience:
    """``kind``: backers of the appeal ``of``, or donors_of the province with this code."""

    kind: str
    of: str
    template: str
    appeal: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """The next of an audience, up to the user ``until``. ``told``: their conversations; None where there is nobody.

    ``last``: nobody follows.
    """

    told: Select[int] | None
    until: int
    last: bool


# Kind -> who of an audience is next behind a user's number.
AUDIENCES: Registry[Callable[[Session, Audience, int], Stretch]] = Registry(
    "notifications.broadcast.AUDIENCES", ("backers", "donors_of")
)
# Appeal number: did anybody ever give to it?
anybody_gave: Hook[[int], ColumnElement[bool]] = Hook("notifications.broadcast.anybody_gave")


@dataclass(frozen=True, slots=True)
class Page:
    """The notices that were written, and whether they were the last."""

    ids: Sequence[int]
    last: bool


class Broadcast(Base):
    """``audience_of``: the appeal's number, or the province's code. ``planned``: how many notices it has written.

    ``facts`` are those of every notice of it, ``subject`` and ``subject_id`` what they are about. ``by``: the seat of
    who began it. ``cursor``: the user up to whom the audience has been walked.
    """

    __tablename__ = "broadcasts"
    id: Mapped[RowId]
    dedupe_key: Mapped[str] = mapped_column(String(80), unique=True)
    template: Mapped[str] = mapped_column(String(40))
    facts: Mapped[str] = mapped_column(Encrypted("broadcast facts"))
    subject: Mapped[str] = mapped_column(String(20))
    subject_id: Mapped[int]
    audience: Mapped[str] = mapped_column(String(12))
    audience_of: Mapped[str] = mapped_column(String(20))
    by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), default="planning", server_default="planning")
    cursor: Mapped[int] = mapped_column(default=0, server_default="0")
    planned: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", STATES),
        one_of("audience", tuple(AUDIENCES)),
        Index(
            "ix_broadcasts_live",
            "id",
            postgresql_where=text("state IN ('planning', 'sending')"),
        ),
        Index("ix_broadcasts_stopped", "ended_at", postgresql_where=_STOPPED),
        Index("ix_broadcasts_subject", "subject", "subject_id", "id"),
    )


# Everything of it has gone its way.
on_done: Hook[[Session, Broadcast, datetime], None] = Hook("notifications.broadcast.on_done")


def begin(
    db: Session, audience: Audience, facts: Mapping[str, Any], key: str, now: datetime, by: int | None = None
) -> Broadcast:
    """In the transaction that causes it. ``facts``: the same for everybody; ``by``: the seat of who began it.

    Raises IntegrityError where ``key`` was used.
    """
    broadcast = Broadcast(
        dedupe_key=key,
        template=audience.template,
        facts=json.dumps(dict(facts), ensure_ascii=False),
        subject="appeal",
        subject_id=audience.appeal,
        audience=audience.kind,
        audience_of=audience.of,
        by=by,
        created_at=now,
    )
    db.add(broadcast)
    db.flush()
    _note(db, broadcast, f"staff:{by}" if by else "system", "begun", now)
    return broadcast


def tell_backers(db: Session, template: str, number: int, title: str, key: str, now: datetime, **facts: Any) -> None:
    """Begin a broadcast to the backers of appeal ``number``, once per ``key``; none where nobody gave.

    The caller holds the appeal's row.
    """
    begun = exists().where(Broadcast.dedupe_key == key)
    if db.scalar(select(anybody_gave(number) & ~begun)):
        audience = Audience("backers", str(number), template, number)
        begin(db, audience, {"number": number, "title": title, **facts}, key, now)


def audience_of(broadcast: Broadcast) -> Audience:
    return Audience(broadcast.audience, broadcast.audience_of, broadcast.template, broadcast.subject_id)


def live_ones(db: Session) -> list[int]:
    return list(db.scalars(select(Broadcast.id).where(Broadcast.state.in_(LIVE)).order_by(Broadcast.id)))


def plan_page(db: Session, number: int, now: datetime) -> Page | None:
    """Write the notices of the next page of people. None where nothing is left, or another worker is at it."""
    wanted = (Broadcast.id == number) & (Broadcast.state == "planning")
    broadcast = db.scalar(select(Broadcast).where(wanted).with_for_update(skip_locked=True))
    if broadcast is None:
        return None
    found = AUDIENCES[broadcast.audience](db, audience_of(broadcast), broadcast.cursor)
    ids = _write(db, broadcast, found.told, now) if found.told is not None else []
    broadcast.cursor, broadcast.planned = found.until, broadcast.planned + len(ids)
    if found.last:
        broadcast.state = "sending"
    return Page(ids, found.last)


def finish(db: Session, number: int, now: datetime) -> bool:
    """If everything has gone its way it is done."""
    wanted = (Broadcast.id == number) & (Broadcast.state == "sending")
    broadcast = db.scalar(select(Broadcast).where(wanted).with_for_update(skip_locked=True))
    under_way = (Notification.broadcast_id == number) & Notification.state.in_(("owed", "sending"))
    if broadcast is None or db.scalar(select(exists().where(under_way))):
        return False
    broadcast.state, broadcast.ended_at = "done", now
    _note(db, broadcast, "system", "done", now)
    on_done(db, broadcast, now)
    return True


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


def count_states(db: Session, broadcast_id: int) -> dict[str, int]:
    """How a fan-out stands: state -> notices. One whose card has gone out counts as sent, though its words wait."""
    in_short = (Notification.state == "waiting") & Notification.sent_at.is_not(None)
    state = case((in_short, "sent"), else_=Notification.state)
    rows = db.execute(select(state, func.count()).where(Notification.broadcast_id == broadcast_id).group_by(state))
    return {state: found for state, found in rows}  # noqa: C416 - typed, where dict(rows) is not


def drop_owed(db: Session, broadcast_id: int) -> int:
    """Nothing more of this fan-out goes out; what has been begun is finished."""
    left = (
        (Notification.broadcast_id == broadcast_id)
        & Notification.state.in_(("owed", "waiting"))
        & Notification.sent_at.is_(None)
    )
    gone: Any = db.execute(delete(Notification).where(left))
    return int(gone.rowcount)


def _write(db: Session, broadcast: Broadcast, told: Select[int], now: datetime) -> Sequence[int]:
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
