"""Pass notifications to the workers: a worker claims them and keeps the outcomes; a sweep releases a killed worker's.

A claim is one short transaction, which also takes what a send uses up (a window's count, a
consent). The send itself is outside of any transaction; ``keep_outcomes`` keeps its outcome.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    LargeBinary,
    Table,
    and_,
    bindparam,
    func,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session

from models.core.base import among, table_of
from models.notifications.broadcast import Broadcast
from models.notifications.notification import TO_DELIVER, Notification, open_text
from models.people.conversation import Conversation
from models.people.own_account import with_own_account
from models.people.shared_phone import names_of

# A worker that has not settled a claim by then counts as dead: all its time-outs together are shorter.
CLAIM_LASTS = timedelta(seconds=75)
# How long WeChat knows a client_msg_id: doc/offiaccount/Message_Management/Template_Message_Interface.
REMEMBERED = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ClaimedNotification:
    """A claimed notification and its recipient. ``channel``: the one by which it was tried before.

    ``parked``: another person uses the phone now, who must not read it; ``name``: then the recipient's, masked.
    """

    id: int
    conversation_id: int
    template: str
    sealed: bytes
    created_at: datetime
    urgency: str
    channel: str | None
    reason: str
    tries: int
    claimed_at: datetime
    attempted_at: datetime
    account: str
    openid: str
    following: bool
    in_flow: bool
    refused_code: int | None
    touched_at: datetime
    parked: bool = False
    name: str = ""

    def facts_text(self) -> str:
        """Decrypt the facts as JSON. Raises CannotOpen."""
        return open_text(self.sealed)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a claimed notification. ``due_at``: when to try again, where ``state`` is owed.

    ``unknown``: it was sent, and may have arrived or not. ``in_short``: it was sent as a card that says too little,
    so its full words still wait. ``offered_at``: when it showed the person numbered choices.
    """

    id: int
    state: str
    channel: str | None = None
    reason: str = ""
    due_at: datetime | None = None
    platform_id: str | None = None
    offered_at: datetime | None = None
    unknown: bool = False
    in_short: bool = False

    @property
    def went_out(self) -> bool:
        return self.state == "sent" or self.in_short


# In SQLAlchemy's Core, which searches no session for objects: these are the worker's most frequent statements.
_ROWS = cast(Table, Notification.__table__)
_NOW = bindparam("b_now", type_=_ROWS.c.claimed_at.type)
_CLAIM = (
    update(_ROWS)
    .values(
        state="sending",
        claimed_at=_NOW,
        attempted_at=func.coalesce(_ROWS.c.attempted_at, _NOW),
        tries=_ROWS.c.tries + 1,
    )
    .returning(_ROWS.c.id)
)


def claim_due(db: Session, ids: Collection[int], now: datetime) -> list[ClaimedNotification]:
    """Claim those of these notifications that are owed and due; no other worker gets them. Ordered by person."""
    # After a broadcast is stopped, a failed send of it may become owed again: it is not claimed.
    stopped = (
        select(Broadcast.id).where(Broadcast.id == Notification.broadcast_id, Broadcast.state == "stopped").exists()
    )
    due = (
        select(Notification.id)
        .where(among(Notification.id, ids), Notification.state == "owed", Notification.due_at <= now, ~stopped)
        .where(with_own_account(db, Notification.conversation_id))
        .with_for_update(skip_locked=True)
    )
    claimed = db.connection().execute(_CLAIM.where(_ROWS.c.id.in_(due)), {"b_now": now}).scalars().all()
    people = Conversation
    rows: Any = db.execute(
        select(
            Notification.id,
            Notification.conversation_id,
            Notification.template,
            type_coerce(Notification.facts, LargeBinary),
            Notification.created_at,
            Notification.urgency,
            Notification.channel,
            Notification.reason,
            Notification.tries,
            Notification.claimed_at,
            Notification.attempted_at,
            people.account,
            func.coalesce(people.parked_openid, people.openid),
            people.following,
            people.in_flow,
            people.refused_code,
            people.touched_at,
            people.parked_openid.is_not(None),
        )
        .join(people, people.id == Notification.conversation_id)
        .where(among(Notification.id, claimed))
        .order_by(Notification.conversation_id, Notification.id)
    )
    found = [ClaimedNotification(*row) for row in rows]
    parked = {one.conversation_id for one in found if one.parked}
    names = names_of(db, parked) if parked else {}
    return [replace(one, name=names.get(one.conversation_id, "")) if one.parked else one for one in found]


def keep_outcomes(db: Session, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Keep the outcomes, each once: a notification that a sweep meanwhile declared lost stays as it is.

    Equal outcomes share one statement; in a broadcast nearly all are equal.
    """
    if not outcomes:
        return
    # Locked in the order in which a person's turn locks them.
    ours = among(Notification.id, [one.id for one in outcomes]) & (Notification.state == "sending")
    held = set(db.connection().execute(select(_ROWS.c.id).where(ours).order_by(_ROWS.c.id).with_for_update()).scalars())
    alike: dict[Outcome, list[tuple[int, str | None, datetime | None]]] = {}
    for one in outcomes:
        if one.id in held:
            same = replace(one, id=0, platform_id=None, offered_at=None)
            alike.setdefault(same, []).append((one.id, one.platform_id, one.offered_at if one.went_out else None))
    for one, rows in alike.items():
        which = table_of(rows)
        own = {"platform_id": which.c.value, "offers_at": which.c.at}
        kept = update(_ROWS).where(_ROWS.c.id == which.c.key).values(**own, **_settled(one, now))
        db.connection().execute(kept)


def _settled(one: Outcome, now: datetime) -> dict[str, Any]:
    """Return the columns of an outcome, that equal outcomes share."""
    values: dict[str, Any] = {
        "state": one.state,
        "reason": one.reason[:120],
        "sent_at": now if one.went_out else None,
    }
    if one.channel is not None:
        values["channel"] = one.channel
    if one.due_at is not None:
        values["due_at"] = one.due_at
    if not one.unknown:
        values["attempted_at"] = None
    return values


def note_channels(db: Session, chosen: Iterable[tuple[int, str]]) -> None:
    """Store the channel by which each claimed notification is about to be sent; ``release_lost`` depends on it."""
    by_channel: dict[str, list[int]] = {}
    for notification, channel in chosen:
        by_channel.setdefault(channel, []).append(notification)
    for channel, ids in by_channel.items():
        db.connection().execute(update(_ROWS).where(among(Notification.id, ids)).values(channel=channel))


def refuse_people(db: Session, codes: dict[int, int]) -> None:
    """Block sending to these people (conversation -> WeChat's code) until they do something again."""
    for person, code in sorted(codes.items()):
        db.execute(update(Conversation).where(Conversation.id == person).values(refused_code=code))


def due_ids(db: Session, urgency: str, now: datetime, most: int) -> list[int]:
    """List the ids of owed notifications that are due, the longest due first."""
    owed = (Notification.state == "owed") & (Notification.urgency == urgency) & (Notification.due_at <= now)
    owed &= with_own_account(db, Notification.conversation_id)
    return list(
        db.scalars(select(Notification.id).where(owed).order_by(Notification.due_at, Notification.id).limit(most))
    )


def oldest_due(db: Session, now: datetime) -> datetime | None:
    """Return since when the longest due notification has been due; None where none is."""
    oldest = [
        db.scalar(
            select(Notification.due_at)
            .where(Notification.state == "owed", Notification.urgency == urgency, Notification.due_at <= now)
            .order_by(Notification.due_at)
            .limit(1)
        )
        for urgency in ("push", "bulk")
    ]
    return min((due for due in oldest if due), default=None)


def release_lost(db: Session, now: datetime, most: int = 500) -> int:
    """Release the notifications that a dead worker had begun to send. Returns how many.

    A template message is sent again under the same client_msg_id, which WeChat knows for ten minutes; by any other
    channel it is unknown whether it arrived, so it waits for the person's next message.
    """
    lost = db.scalars(
        select(Notification)
        .where(Notification.state == "sending", Notification.claimed_at < now - CLAIM_LASTS)
        .order_by(Notification.claimed_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for notification in lost:
        again = notification.channel == "template" and (notification.attempted_at or now) > now - REMEMBERED
        notification.state = "owed" if again else "waiting"
        notification.reason = "worker_lost" if again else "outcome_unknown"
        notification.due_at = now
    return len(lost)


def lock_unsent(db: Session, conversation_id: int) -> None:
    """Lock the person's unsent notifications before their windows or consents change.

    So a worker that is choosing a channel by these finishes first or begins afterwards. Locks in the order of ids and
    before any consent, as workers do.
    """
    unsent = (Notification.conversation_id == conversation_id) & Notification.state.in_(("owed", "sending", "waiting"))
    db.scalars(select(Notification.id).where(unsent).order_by(Notification.id).with_for_update()).all()


def wake_waiting(db: Session, conversation_id: int, now: datetime) -> None:
    """Owe again what waited for a channel, because the person has given a consent; it is enqueued after the commit."""
    waiting = and_(
        Notification.conversation_id == conversation_id,
        Notification.state == "waiting",
        or_(Notification.reason.like("%no_consent%"), Notification.reason.like("%no_channel%")),
    )
    woken = db.scalars(update(Notification).where(waiting).values(state="owed", due_at=now).returning(Notification.id))
    db.info.setdefault(TO_DELIVER, []).extend(woken)
