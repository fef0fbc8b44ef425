"""What we owe somebody to tell. A notice is written in the transaction that causes it, and waits until it is told.

owed → sending → sent → delivered      a worker pushes it (models.notifications.outbox)
owed, waiting → read                   it stands in the reply to the person's next message
sending, sent → owed | waiting         it did not go out: by another channel, or with the next message
owed → failed                          there are no words for it; logged
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    exists,
    func,
    literal,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.encryption import CannotOpen, Encrypted, keyring
from models.notifications.kinds import KINDS, Kind
from models.notifications.mute import Mute

_FACTS = Encrypted("notification facts")

STATES = ("owed", "sending", "sent", "delivered", "waiting", "read", "failed")
UNREAD = ("owed", "waiting")
# By what it was told: customer service, template, subscription, or the reply to the person's own message.
CHANNELS = ("service", "template", "subscription", "reply")
URGENCIES = ("push", "bulk")
# Ids of what a session's transaction told, for whoever enqueues after the commit.
TOLD = "notices_told"


class Notification(Base):
    """``template`` is its kind (models.notifications.kinds); ``facts`` are what its words need, as JSON.

    ``due_at``: not to be pushed before. ``reason``: codes, joined by ``+``, of why it went where it did or waits.
    ``subject``/``subject_id``: what it is about, where staff may look it up. ``offers_at``: when a push put
    numbered choices in front of the person. ``attempted_at``: the first send of it whose outcome is not known.
    ``platform_id``: WeChat's number of the message.
    """

    __tablename__ = "notifications"
    id: Mapped[RowId]
    dedupe_key: Mapped[str] = mapped_column(String(80), unique=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    template: Mapped[str] = mapped_column(String(40))
    facts: Mapped[str] = mapped_column(_FACTS)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(12), default="owed", server_default="owed")
    urgency: Mapped[str] = mapped_column(String(8), default="push", server_default="push")
    due_at: Mapped[datetime]
    broadcast_id: Mapped[int | None] = mapped_column(ForeignKey("broadcasts.id"))
    subject: Mapped[str | None] = mapped_column(String(20))
    subject_id: Mapped[int | None]
    channel: Mapped[str | None] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(120), default="", server_default="")
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    claimed_at: Mapped[datetime | None]
    attempted_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    offers_at: Mapped[datetime | None]
    platform_id: Mapped[str | None] = mapped_column(String(40))

    __table_args__ = (
        one_of("state", STATES),
        one_of("urgency", URGENCIES),
        one_of("channel", CHANNELS),
        Index(None, "conversation_id"),
        *(
            Index(f"ix_notifications_{name}", *columns, postgresql_where=text(where))
            for name, columns, where in (
                ("unread", ("conversation_id", "id"), "state IN ('owed', 'waiting')"),
                ("owed", ("urgency", "due_at", "id"), "state = 'owed'"),
                ("sending", ("claimed_at",), "state = 'sending'"),
                ("reported", ("platform_id",), "platform_id IS NOT NULL"),
                ("offering", ("conversation_id", "offers_at"), "offers_at IS NOT NULL"),
                ("broadcast", ("broadcast_id", "state"), "broadcast_id IS NOT NULL"),
                ("about", ("subject", "subject_id", "id"), "subject IS NOT NULL"),
            )
        ),
    )


def open_facts(sealed: bytes) -> dict[str, Any]:
    """A notice's facts as they lie in the database. Raises CannotOpen."""
    facts: dict[str, Any] = json.loads(open_text(sealed))
    return facts


def open_text(sealed: bytes) -> str:
    """The same as JSON, which is the same text for all to whom the same is said at once. Raises CannotOpen."""
    return keyring().open(bytes(sealed), _FACTS.purpose)


@dataclass(frozen=True, slots=True)
class Unread:
    """A notice that waits, as it lies in the database: one that does not open must not keep the others back."""

    id: int
    template: str
    sealed: bytes

    def facts(self) -> dict[str, Any]:
        """Raises CannotOpen."""
        return open_facts(self.sealed)


def tell(
    db: Session,
    conversation_id: int,
    template: str,
    values: dict[str, Any],
    key: str,
    now: datetime,
    about: tuple[str, int] | None = None,
) -> None:
    """Owe this notice, once per ``key``. Touches no row of the person's, whose turn may be under way.

    Not to who has turned its topic off, for good or about this thing (``about``: its kind and row number).
    """
    kind = KINDS[template]
    due = now
    if kind.running and about:
        before = _latest(db, conversation_id, template, about)
        if before and before.state in UNREAD and _replace(db, before, kind, values):
            return
        due = max(now, (before.sent_at or before.created_at) + kind.running) if before else now
    columns = {
        "dedupe_key": key,
        "conversation_id": conversation_id,
        "template": template,
        "facts": json.dumps(values, ensure_ascii=False),
        "created_at": now,
        "due_at": due,
        "subject": about[0] if about else None,
        "subject_id": about[1] if about else None,
    }
    rows: Any = [literal(value, Notification.__table__.c[name].type) for name, value in columns.items()]
    wanted = select(*rows)
    if kind.topic:
        muted = exists().where(
            Mute.conversation_id == conversation_id,
            Mute.topic == kind.topic,
            Mute.subject_id.in_((0, about[1] if about else 0)),
        )
        wanted = wanted.where(~muted)
    told = db.scalar(
        insert(Notification)
        .from_select([*columns], wanted, include_defaults=False)
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Notification.id)
    )
    if told:
        db.info.setdefault(TOLD, []).append(told)


@dataclass(frozen=True, slots=True)
class _Before:
    """A running notice as it lies in the database."""

    id: int
    state: str
    created_at: datetime
    sent_at: datetime | None
    sealed: bytes


def _latest(db: Session, conversation_id: int, template: str, about: tuple[str, int]) -> _Before | None:
    """The last of its kind about this thing, held; who else holds it is pushing it or saying it just now."""
    subject, subject_id = about
    same = (
        (Notification.subject == subject)
        & (Notification.subject_id == subject_id)
        & (Notification.template == template)
    )
    columns: Any = (
        Notification.id,
        Notification.state,
        Notification.created_at,
        Notification.sent_at,
        type_coerce(Notification.facts, LargeBinary),
    )
    newest = (
        select(*columns).where(same, Notification.conversation_id == conversation_id).order_by(Notification.id.desc())
    )
    row: Any = db.execute(newest.limit(1).with_for_update(skip_locked=True)).first()
    return _Before(*row) if row else None


def _replace(db: Session, before: _Before, kind: Kind, values: dict[str, Any]) -> bool:
    """Say this in its stead, or both in one. Not possible where the older one cannot be read any more."""
    if kind.join:
        try:
            values = kind.join(open_facts(before.sealed), values)
        except CannotOpen:
            return False
    facts = json.dumps(values, ensure_ascii=False)
    db.execute(update(Notification).where(Notification.id == before.id).values(facts=facts))
    return True


def find_unread(db: Session, conversation_id: int, most: int = 3) -> list[Unread]:
    """The oldest notices that nobody has read yet; held, so that no worker pushes them meanwhile.

    One that a worker is just pushing is passed over.
    """
    found = db.execute(
        select(Notification.id, Notification.template, type_coerce(Notification.facts, LargeBinary))
        .where(Notification.conversation_id == conversation_id, Notification.state.in_(UNREAD))
        .order_by(Notification.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [Unread(*row) for row in found]


def count_unread(db: Session, conversation_id: int) -> int:
    unread = select(func.count()).where(Notification.conversation_id == conversation_id, Notification.state.in_(UNREAD))
    return db.scalar(unread) or 0


def mark_read(db: Session, notices: Sequence[Unread], now: datetime) -> None:
    """The caller holds the conversation's lock, and the notices by ``find_unread``."""
    if notices:
        told = update(Notification).where(Notification.id.in_([notice.id for notice in notices]))
        db.execute(told.values(state="read", channel="reply", read_at=now))


def mark_seen(db: Session, conversation_id: int, templates: Sequence[str], now: datetime) -> None:
    """The person looks at what these would send them to."""
    theirs = (
        (Notification.conversation_id == conversation_id)
        & Notification.state.in_(UNREAD)
        & Notification.template.in_(templates)
    )
    db.execute(update(Notification).where(theirs).values(state="read", channel="reply", read_at=now))


def mark_failed(db: Session, notice_id: int) -> None:
    """There are no words for it, now or ever."""
    db.execute(update(Notification).where(Notification.id == notice_id).values(state="failed", reason="no_words"))


@dataclass(frozen=True, slots=True)
class Offered:
    """A push that put numbered choices in front of a person, and when."""

    id: int
    template: str
    sealed: bytes
    at: datetime

    def facts(self) -> dict[str, Any]:
        """Raises CannotOpen."""
        return open_facts(self.sealed)


# A push whose sending was not settled (yet) has arrived all the same, when somebody taps it.
_OFFERED: Any = (
    Notification.id,
    Notification.template,
    type_coerce(Notification.facts, LargeBinary),
    func.coalesce(Notification.offers_at, Notification.claimed_at),
)


def last_offered(db: Session, conversation_id: int) -> Offered | None:
    """Of those that were sent in one moment, the one that was written last."""
    offering = (Notification.conversation_id == conversation_id) & Notification.offers_at.is_not(None)
    newest = select(*_OFFERED).where(offering).order_by(Notification.offers_at.desc(), Notification.id.desc()).limit(1)
    row: Any = db.execute(newest).first()
    return Offered(*row) if row else None


def offered_by(db: Session, conversation_id: int, notice_id: int) -> Offered | None:
    """What this push offered, if it was theirs."""
    theirs = (
        (Notification.id == notice_id)
        & (Notification.conversation_id == conversation_id)
        & Notification.claimed_at.is_not(None)
    )
    row: Any = db.execute(select(*_OFFERED).where(theirs)).first()
    return Offered(*row) if row else None
