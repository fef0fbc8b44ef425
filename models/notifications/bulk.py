"""Notify several people at once of a running kind (models.notifications.kinds), in a fixed number of statements."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import LargeBinary, func, or_, select, type_coerce, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.core.encryption import CannotOpen
from models.notifications.kinds import KINDS, Kind
from models.notifications.notification import TOLD, UNREAD, Notification, open_facts


@dataclass(frozen=True, slots=True)
class Word:
    """One notification: the recipient, the thing that it is about (row id), its facts, and its deduplication key."""

    conversation_id: int
    subject_id: int
    facts: dict[str, Any]
    key: str


def notify_each(db: Session, template: str, subject: str, words: Sequence[Word], now: datetime) -> None:
    """Notify many people as ``notify`` does one: an unread notification about the same thing is updated.

    The caller leaves out people who have turned the topic off, and gives at most one word per person and thing.
    """
    kind = KINDS[template]
    before = _lately(db, template, subject, words, kind.running or timedelta(0), now)
    joined, new = [], []
    for word in words:
        last = before.get((word.conversation_id, word.subject_id))
        facts = _joined(kind, last, word.facts) if last and last.state in UNREAD else None
        if last and facts:
            joined.append({"id": last.id, "facts": _written(facts)})
        else:
            due = max(now, last.told_at + (kind.running or timedelta(0))) if last else now
            new.append(_row(template, subject, word, due, now))
    if joined:
        db.execute(update(Notification), joined)
    if new:
        once = insert(Notification).values(new).on_conflict_do_nothing(index_elements=["dedupe_key"])
        db.info.setdefault(TOLD, []).extend(db.scalars(once.returning(Notification.id)))


@dataclass(frozen=True, slots=True)
class _Last:
    id: int
    state: str
    told_at: datetime
    sealed: bytes


def _lately(
    db: Session, template: str, subject: str, words: Sequence[Word], running: timedelta, now: datetime
) -> dict[tuple[int, int], _Last]:
    """Map person and thing to the last notification that is unread or so recent that the next must wait; locked.

    Rows that another transaction has locked are skipped: they are being sent or read just now.
    """
    told_at = func.coalesce(Notification.sent_at, Notification.created_at)
    columns: Any = (
        Notification.conversation_id,
        Notification.subject_id,
        Notification.id,
        Notification.state,
        type_coerce(told_at, Notification.created_at.type),
        type_coerce(Notification.facts, LargeBinary),
    )
    found = (
        select(*columns)
        .where(Notification.subject == subject, Notification.subject_id.in_({word.subject_id for word in words}))
        .where(
            Notification.template == template,
            Notification.conversation_id.in_({word.conversation_id for word in words}),
        )
        .where(or_(Notification.state.in_(UNREAD), told_at > now - running))
        .order_by(Notification.id)
        .with_for_update(skip_locked=True)
    )
    rows: Any = db.execute(found)
    return {(person, thing): _Last(*last) for person, thing, *last in rows}


def _joined(kind: Kind, last: _Last, facts: dict[str, Any]) -> dict[str, Any] | None:
    """Join the older facts with the new ones; None where the older cannot be decrypted."""
    try:
        return kind.join(open_facts(last.sealed), facts) if kind.join else facts
    except CannotOpen:
        return None


def _row(template: str, subject: str, word: Word, due: datetime, now: datetime) -> dict[str, Any]:
    return {
        "dedupe_key": word.key,
        "conversation_id": word.conversation_id,
        "template": template,
        "facts": _written(word.facts),
        "created_at": now,
        "due_at": due,
        "subject": subject,
        "subject_id": word.subject_id,
    }


def _written(facts: dict[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False)
