"""Send one notification to many people: to all backers of an appeal, or to all donors of a province.

planning → sending → done; planning, sending → stopped. The audience is walked by user id, in pages
(models.core.batch_run). A person gets it only once, because a notification's key names the broadcast and the person.
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
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId, one_of
from models.core.batch_run import Batch, lock_run
from models.core.encryption import Encrypted
from models.core.hooks import Hook, Registry
from models.notifications.notification import Notification

_STOPPED = text("state = 'stopped'")

STATES = ("planning", "sending", "done", "stopped")
LIVE = ("planning", "sending")
# A send that was under way when its broadcast was stopped has ended by then.
_STRAGGLES = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a broadcast is for. ``kind``: ``backers`` of the appeal ``of``, or ``donors_of`` the province ``of`` (code).

    ``template`` is the notification's kind, ``appeal`` the appeal that it is about.
    """

    kind: str
    of: str
    template: str
    appeal: int


@dataclass(frozen=True, slots=True)
class AudiencePage:
    """The next page of an audience, up to the user ``until``. ``conversations`` selects theirs; None: no one.

    ``last``: it is the last page.
    """

    conversations: Select[int] | None
    until: int
    last: bool


# Kind -> a function that finds the next page of an audience after a user's id.
AUDIENCES: Registry[Callable[[Session, Audience, int], AudiencePage]] = Registry(
    "notifications.broadcast.AUDIENCES", ("backers", "donors_of")
)
# Given an appeal's number: a condition that it has had a gift.
anybody_gave: Hook[[int], ColumnElement[bool]] = Hook("notifications.broadcast.anybody_gave")


class Broadcast(Base):
    """``audience_of``: the appeal's number, or the province's code. ``planned``: how many notifications were written.

    ``facts`` are the same for every notification; ``subject`` and ``subject_id`` are what they are about. ``by``: the
    seat of the officer who began it; None: the system. ``cursor``: the user up to whom the audience has been walked.
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


# Called when a broadcast is done.
on_done: Hook[[Session, Broadcast, datetime], None] = Hook("notifications.broadcast.on_done")


def begin_broadcast(
    db: Session, audience: Audience, facts: Mapping[str, Any], key: str, now: datetime, by: int | None = None
) -> Broadcast:
    """Begin a broadcast, in the transaction that causes it. ``facts``: the same for every recipient.

    ``by``: the seat of the officer who began it; None: the system. Raises IntegrityError where ``key`` was used.
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


def notify_backers(db: Session, template: str, number: int, title: str, key: str, now: datetime, **facts: Any) -> None:
    """Begin a broadcast to the backers of appeal ``number``, once per ``key``; none where the appeal had no gift.

    The caller holds the lock of the appeal's row.
    """
    begun = exists().where(Broadcast.dedupe_key == key)
    if db.scalar(select(anybody_gave(number) & ~begun)):
        audience = Audience("backers", str(number), template, number)
        begin_broadcast(db, audience, {"number": number, "title": title, **facts}, key, now)


def audience_of(broadcast: Broadcast) -> Audience:
    return Audience(broadcast.audience, broadcast.audience_of, broadcast.template, broadcast.subject_id)


def live_broadcasts(db: Session) -> list[int]:
    return list(db.scalars(select(Broadcast.id).where(Broadcast.state.in_(LIVE)).order_by(Broadcast.id)))


def plan_page(db: Session, number: int, now: datetime) -> Batch | None:
    """Write the next page of notifications. None where it is not planning any more, or another worker has locked it."""
    broadcast = lock_run(db, Broadcast, number, "planning")
    if broadcast is None:
        return None
    found = AUDIENCES[broadcast.audience](db, audience_of(broadcast), broadcast.cursor)
    ids = _write(db, broadcast, found.conversations, now) if found.conversations is not None else []
    broadcast.cursor, broadcast.planned = found.until, broadcast.planned + len(ids)
    if found.last:
        broadcast.state = "sending"
    return Batch(ids, found.last)


def finish_broadcast(db: Session, number: int, now: datetime) -> bool:
    """Mark the broadcast as done when none of its notifications is owed or being sent; tells whether it was."""
    broadcast = lock_run(db, Broadcast, number, "sending")
    under_way = (Notification.broadcast_id == number) & Notification.state.in_(("owed", "sending"))
    if broadcast is None or db.scalar(select(exists().where(under_way))):
        return False
    broadcast.state, broadcast.ended_at = "done", now
    _note(db, broadcast, "system", "done", now)
    on_done(db, broadcast, now)
    return True


def stop_sending(db: Session, broadcast: Broadcast, actor: str, now: datetime) -> None:
    """Stop the broadcast: delete what has not been sent. The caller has locked ``broadcast``."""
    broadcast.state, broadcast.ended_at = "stopped", now
    drop_unsent(db, broadcast.id)
    _note(db, broadcast, actor, "stopped", now)
    db.flush()


def drop_stragglers(db: Session, now: datetime) -> int:
    """Delete notifications that became owed again by a failed send after their broadcast was stopped. Returns how many.

    Looks at broadcasts stopped during the last day.
    """
    lately = (Broadcast.state == "stopped") & (Broadcast.ended_at > now - _STRAGGLES)
    return sum(drop_unsent(db, number) for number in db.scalars(select(Broadcast.id).where(lately)).all())


def count_states(db: Session, broadcast_id: int) -> dict[str, int]:
    """Count a broadcast's notifications by state. One sent as a card counts as sent, though its full words wait."""
    in_short = (Notification.state == "waiting") & Notification.sent_at.is_not(None)
    state = case((in_short, "sent"), else_=Notification.state)
    rows = db.execute(select(state, func.count()).where(Notification.broadcast_id == broadcast_id).group_by(state))
    return {state: found for state, found in rows}  # noqa: C416 - typed, where dict(rows) is not


def drop_unsent(db: Session, broadcast_id: int) -> int:
    """Delete the broadcast's unsent notifications, but for those being sent. Returns how many."""
    left = (
        (Notification.broadcast_id == broadcast_id)
        & Notification.state.in_(("owed", "waiting"))
        & Notification.sent_at.is_(None)
    )
    gone: Any = db.execute(delete(Notification).where(left))
    return int(gone.rowcount)


def forget_words(db: Session, broadcast_id: int, facts: str) -> None:
    """Empty what was written of a broadcast. The full words of what went out as a card wait no longer."""
    state = case((Notification.state == "waiting", "sent"), else_=Notification.state)
    theirs = Notification.broadcast_id == broadcast_id
    db.execute(update(Notification).where(theirs).values(facts=facts, state=state))


def _write(db: Session, broadcast: Broadcast, conversations: Select[int], now: datetime) -> Sequence[int]:
    """Insert one notification per conversation, in one statement; the facts, which are the same, are encrypted once."""
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
    person = conversations.selected_columns.id
    key = literal(f"b{broadcast.id}:", String) + cast(person, String)
    rows: Any = conversations.add_columns(key, *(literal(value, columns[name].type) for name, value in same.items()))
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
