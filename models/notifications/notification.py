"""Keep notifications: each is written in the transaction that causes it, and waits until the person has it.

owed → sending → sent → delivered      a worker sends it (models.notifications.outbox)
owed, waiting → read                   it is in the reply to the person's next message
sending, sent → owed | waiting         it was not sent: by another channel, or with the next message
owed → failed                          its words could not be written; logged
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
    func,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted, keyring

_FACTS = Encrypted("notification facts")

STATES = ("owed", "sending", "sent", "delivered", "waiting", "read", "failed")
UNREAD = ("owed", "waiting")
# How it reached the person: customer service, template, subscription, or the reply to the person's own message.
CHANNELS = ("service", "template", "subscription", "reply")
URGENCIES = ("push", "bulk")
# Key of ``Session.info``: ids of the notifications that its transaction wrote or woke, to be enqueued after the commit.
TO_DELIVER = "notifications_to_deliver"


class Notification(Base):
    """``template`` is its kind (models.notifications.kinds); ``facts``, as JSON, are what its words need.

    ``due_at``: not to be sent before. ``reason``: codes, joined by ``+``, of why it took its channel or waits
    (models.notifications.delivery_reasons). ``subject``/``subject_id``: what it is about, by which staff find it.
    ``offers_at``: when a push showed the person numbered choices. ``attempted_at``: its first send whose outcome is
    not known. ``platform_id``: WeChat's number of the message.
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
    """Decrypt a notification's facts. Raises CannotOpen."""
    facts: dict[str, Any] = json.loads(open_text(sealed))
    return facts


def open_text(sealed: bytes) -> str:
    """Decrypt the facts as JSON text, which is equal for all recipients of one broadcast. Raises CannotOpen."""
    return keyring().open(bytes(sealed), _FACTS.purpose)


@dataclass(frozen=True, slots=True)
class Unread:
    """An unread notification, still encrypted: one that cannot be decrypted must not keep the others back."""

    id: int
    template: str
    sealed: bytes

    def facts(self) -> dict[str, Any]:
        """Raises CannotOpen."""
        return open_facts(self.sealed)


def find_unread(db: Session, conversation_id: int, most: int = 3) -> list[Unread]:
    """Find the oldest unread notifications and lock them, so that no worker sends them meanwhile.

    One that a worker has locked, because it is sending it, is skipped.
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


def mark_read(db: Session, notifications: Sequence[Unread], now: datetime) -> None:
    """Mark them as read in a reply. The caller holds the locks of the conversation and of ``find_unread``."""
    if notifications:
        read = update(Notification).where(Notification.id.in_([notification.id for notification in notifications]))
        db.execute(read.values(state="read", channel="reply", read_at=now))


def mark_seen(db: Session, conversation_id: int, templates: Sequence[str], now: datetime) -> None:
    """Mark unread notifications of these kinds as read, because the person opens what they point to."""
    theirs = (
        (Notification.conversation_id == conversation_id)
        & Notification.state.in_(UNREAD)
        & Notification.template.in_(templates)
    )
    db.execute(update(Notification).where(theirs).values(state="read", channel="reply", read_at=now))


def mark_failed(db: Session, notification_id: int) -> None:
    """Mark it as failed: its words cannot be written."""
    db.execute(update(Notification).where(Notification.id == notification_id).values(state="failed", reason="no_words"))


@dataclass(frozen=True, slots=True)
class PushWithChoices:
    """A push that showed the person numbered choices, and when."""

    id: int
    template: str
    sealed: bytes
    at: datetime

    def facts(self) -> dict[str, Any]:
        """Raises CannotOpen."""
        return open_facts(self.sealed)


# A tap proves that a push arrived, even where its outcome has not been stored (yet).
_OFFERED: Any = (
    Notification.id,
    Notification.template,
    type_coerce(Notification.facts, LargeBinary),
    func.coalesce(Notification.offers_at, Notification.claimed_at),
)


def last_push_with_choices(db: Session, conversation_id: int) -> PushWithChoices | None:
    """Return the last push with choices; of several sent at the same moment, the one written last. None without."""
    offering = (Notification.conversation_id == conversation_id) & Notification.offers_at.is_not(None)
    newest = select(*_OFFERED).where(offering).order_by(Notification.offers_at.desc(), Notification.id.desc()).limit(1)
    row: Any = db.execute(newest).first()
    return PushWithChoices(*row) if row else None


def find_push_with_choices(db: Session, conversation_id: int, notification_id: int) -> PushWithChoices | None:
    """Return what this push offered; None where it is another person's or was never sent."""
    theirs = (
        (Notification.id == notification_id)
        & (Notification.conversation_id == conversation_id)
        & Notification.claimed_at.is_not(None)
    )
    row: Any = db.execute(select(*_OFFERED).where(theirs)).first()
    return PushWithChoices(*row) if row else None
