"""Write notifications: to one conversation, to all conversations of a user, or to many people at once."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    LargeBinary,
    Select,
    any_,
    bindparam,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.core.base import listed
from models.core.encryption import CannotOpen
from models.core.prepared import Prepared
from models.notifications.kinds import KINDS, Kind
from models.notifications.mute import Mute
from models.notifications.notification import TO_DELIVER, UNREAD, Notification, open_facts
from models.people.conversation import Conversation


@dataclass(frozen=True, slots=True)
class NewNotification:
    """``subject_id``: the row id of the thing that it is about, if any. It is written once per ``key``."""

    conversation_id: int
    subject_id: int | None
    facts: dict[str, Any]
    key: str


def notify(
    db: Session,
    conversation_id: int,
    template: str,
    facts: dict[str, Any],
    key: str,
    now: datetime,
    about: tuple[str, int] | None = None,
) -> None:
    """Owe the person a notification, as ``notify_each`` does. ``about``: the kind and row id of what it is about."""
    subject, subject_id = about or (None, None)
    notify_each(db, template, subject, [NewNotification(conversation_id, subject_id, facts, key)], now)


def notify_user(
    db: Session,
    user_id: int,
    template: str,
    facts: dict[str, Any],
    key: str,
    now: datetime,
    about: tuple[str, int] | None = None,
) -> int:
    """Notify each conversation of the user, once per ``key`` and conversation. Returns how many they have."""
    subject, subject_id = about or (None, None)
    theirs = db.scalars(_conversations_of(user_id)).all()
    new = [NewNotification(each, subject_id, facts, _key_for(key, each)) for each in theirs]
    notify_each(db, template, subject, new, now)
    return len(theirs)


@dataclass(frozen=True, slots=True)
class NewForUser:
    """What ``notify_users`` writes for one user, in each of their conversations, once per ``key``."""

    user_id: int
    subject_id: int | None
    facts: dict[str, Any]
    key: str


_CONVERSATIONS = Prepared(
    select(Conversation.user_id, Conversation.id)
    .where(Conversation.user_id == any_(bindparam("b_users", type_=ARRAY(BigInteger))))
    .order_by(Conversation.id)
)


def conversations_of(db: Session, users: Iterable[int]) -> dict[int, list[int]]:
    """Map each of these users who writes to us to their conversations, the first one first."""
    theirs: dict[int, list[int]] = {}
    for user_id, number in _CONVERSATIONS.all(db, {"b_users": sorted(set(users))}):
        theirs.setdefault(user_id, []).append(number)
    return theirs


def notify_users(
    db: Session,
    template: str,
    subject: str | None,
    notifications: Sequence[NewForUser],
    now: datetime,
    writes: Mapping[int, list[int]] | None = None,
) -> None:
    """Notify many users at once, each as ``notify_user`` does: in two statements, however many they are.

    ``writes``: their conversations, where the caller knows them (``conversations_of``).
    """
    theirs = conversations_of(db, (each.user_id for each in notifications)) if writes is None else writes
    new = [
        NewNotification(number, each.subject_id, each.facts, _key_for(each.key, number))
        for each in notifications
        for number in theirs.get(each.user_id, ())
    ]
    notify_each(db, template, subject, new, now)


def lock_notified(db: Session, user_id: int, key: str) -> Sequence[Notification]:
    """Lock and return the notifications that ``notify_user`` wrote for the user under ``key``."""
    keys = [_key_for(key, conversation_id) for conversation_id in db.scalars(_conversations_of(user_id))]
    return db.scalars(select(Notification).where(Notification.dedupe_key.in_(keys)).with_for_update()).all()


def drop_unread(db: Session, templates: Collection[str], about: tuple[str, int]) -> None:
    """Delete the unread notifications of these kinds about a thing, which the thing has overtaken.

    One that is being sent or read just now is skipped.
    """
    drop_unread_of(db, templates, about[0], [about[1]])


def drop_unread_of(db: Session, templates: Collection[str], subject: str, numbers: Collection[int]) -> None:
    """Delete the unread notifications of these kinds about many things, as ``drop_unread`` does."""
    theirs = (Notification.subject == subject) & Notification.subject_id.in_(numbers)
    unread = select(Notification.id).where(
        theirs,
        Notification.template.in_(templates),
        Notification.state.in_(UNREAD),
        Notification.broadcast_id.is_(None),
    )
    locked = db.scalars(unread.order_by(Notification.id).with_for_update(skip_locked=True)).all()
    if locked:
        db.execute(delete(Notification).where(Notification.id.in_(locked)))


def notify_each(
    db: Session, template: str, subject: str | None, notifications: Sequence[NewNotification], now: datetime
) -> None:
    """Owe each person their notification, once per key; none where the person has turned its topic off.

    A topic may be off altogether, or for one thing. An unread notification of a running kind about the same thing is
    updated instead; the caller gives at most one per person and thing. Locks no row of a person, whose turn may be
    under way.
    """
    if not notifications:
        return
    kind = KINDS[template]
    before = _find_last(db, template, subject, notifications, kind.running, now) if kind.running and subject else {}
    joined: list[dict[str, Any]] = []
    new: list[tuple[NewNotification, datetime]] = []
    for each in notifications:
        last = before.get((each.conversation_id, each.subject_id))
        facts = _join(kind, last, each.facts) if last and last.state in UNREAD else None
        if last and facts is not None:
            joined.append({"id": last.id, "facts": _as_json(facts)})
        else:
            new.append((each, max(now, last.notified_at + kind.running) if last and kind.running else now))
    if joined:
        db.execute(update(Notification), joined)
    if new:
        _write(db, template, subject, new, now)


@dataclass(frozen=True, slots=True)
class _Last:
    """The last notification of a running kind about a thing, still encrypted."""

    id: int
    state: str
    notified_at: datetime
    sealed: bytes


def _find_last(
    db: Session,
    template: str,
    subject: str,
    notifications: Sequence[NewNotification],
    running: timedelta,
    now: datetime,
) -> dict[tuple[int, int | None], _Last]:
    """Map person and thing to the last notification that is unread or so recent that the next must wait; locked.

    Rows that another transaction has locked are skipped: they are being sent or read just now.
    """
    notified_at = func.coalesce(Notification.sent_at, Notification.created_at)
    columns: Any = (
        Notification.conversation_id,
        Notification.subject_id,
        Notification.id,
        Notification.state,
        type_coerce(notified_at, Notification.created_at.type),
        type_coerce(Notification.facts, LargeBinary),
    )
    found = (
        select(*columns)
        .where(Notification.subject == subject, Notification.template == template)
        .where(
            Notification.subject_id.in_({each.subject_id for each in notifications}),
            Notification.conversation_id.in_({each.conversation_id for each in notifications}),
        )
        .where(or_(Notification.state.in_(UNREAD), notified_at > now - running))
        .order_by(Notification.id)
        .with_for_update(skip_locked=True)
    )
    rows: Any = db.execute(found)
    return {(person, thing): _Last(*last) for person, thing, *last in rows}


def _join(kind: Kind, last: _Last, facts: dict[str, Any]) -> dict[str, Any] | None:
    """Join the older facts with the new ones; None where the older cannot be decrypted."""
    try:
        return kind.join(open_facts(last.sealed), facts) if kind.join else facts
    except CannotOpen:
        return None


def _write(
    db: Session, template: str, subject: str | None, new: Sequence[tuple[NewNotification, datetime]], now: datetime
) -> None:
    """Insert them, each due at its time, in one statement; it takes as many parameters for many as for one."""
    columns = Notification.__table__.c
    own = ("dedupe_key", "conversation_id", "subject_id", "facts", "due_at")
    rows = listed(
        {name: columns[name].type for name in own},
        [(each.key, each.conversation_id, each.subject_id, _as_json(each.facts), due) for each, due in new],
    )
    same = {"template": template, "subject": subject, "created_at": now}
    wanted = select(*rows.c, *(literal(value, columns[name].type) for name, value in same.items()))
    if topic := KINDS[template].topic:
        muted = exists().where(
            Mute.conversation_id == rows.c.conversation_id,
            Mute.topic == topic,
            Mute.subject_id.in_((0, rows.c.subject_id)),
        )
        wanted = wanted.where(~muted)
    written = (
        insert(Notification)
        .from_select([*own, *same], wanted, include_defaults=False)
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Notification.id)
    )
    db.info.setdefault(TO_DELIVER, []).extend(db.scalars(written))


def _as_json(facts: dict[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False)


def _conversations_of(user_id: int) -> Select[int]:
    return select(Conversation.id).where(Conversation.user_id == user_id)


def _key_for(key: str, conversation_id: int) -> str:
    return f"{key}:{conversation_id}"
