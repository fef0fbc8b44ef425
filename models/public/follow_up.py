"""Keep what follows a reply by customer service: the card of an appeal or a listing that a person looked at, or an
appeal's poster.

A reply has one message, so the picture comes after it, where WeChat lets us write to the person. A card is a courtesy:
it leaves the person's window to the notifications, comes at once or never, and once a day for one thing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, String, delete, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.refusal import Refusal
from models.notifications.service_window import open_windows, use_message
from models.people.conversation import Conversation
from models.people.own_account import with_own_account
from models.public.appeal_page import is_open
from models.public.listing_page import is_open as is_listing_open

# How long a card and a poster may be late.
LATE = {"card": timedelta(minutes=1), "poster": timedelta(hours=12)}
KINDS = tuple(LATE)
POSTERS_A_DAY = 5
CARD_AGAIN_AFTER = timedelta(days=1)
# How many messages a window keeps for notifications: a card uses none of them.
KEPT_FOR_NOTIFICATIONS = 2
# A poster whose job was lost is found again after this time.
OWED_AFTER = timedelta(minutes=2)
KEPT_FOR = timedelta(days=1)


class TooManyPosters(Refusal):
    """The person asked for ``most`` posters within a day."""

    code = "too_many_posters"


class NoPoster(Refusal):
    """The appeal has no open page, of which the poster would show a part; ``number`` None: the person has none."""

    code = "no_poster"


class FollowUp(Base):
    """One picture that follows a reply, of an appeal or of a listing.

    ``given_up``: the page, the person or WeChat did not let it be sent.
    """

    __tablename__ = "follow_ups"
    id: Mapped[RowId]
    kind: Mapped[str] = mapped_column(String(8))
    appeal_id: Mapped[int | None] = mapped_column(ForeignKey("appeals.id"))
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listings.id"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    asked_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(8), default="owed")

    __table_args__ = (
        one_of("kind", KINDS),
        CheckConstraint("(appeal_id IS NULL) <> (listing_id IS NULL)", name="of_one_thing"),
        CheckConstraint("listing_id IS NULL OR kind = 'card'", name="a_listing_has_no_poster"),
        one_of("state", ("owed", "sent", "given_up")),
        Index("ix_follow_ups_asked", "conversation_id", "asked_at"),
        Index("ix_follow_ups_owed", "asked_at", postgresql_where=text("state = 'owed'")),
        Index("ix_follow_ups_asked_at", "asked_at"),
    )


@dataclass(frozen=True, slots=True)
class Addressed:
    """A follow-up that may be sent now: its kind, the number of the appeal or (``of_listing``) the listing, and the
    openid that gets it."""

    kind: str
    number: int
    openid: str
    of_listing: bool


def ask_for_poster(db: Session, number: int, conversation_id: int, now: datetime) -> int:
    """Note that the person wants the appeal's poster, and return the follow-up's number; its page is open.

    Raises TooManyPosters.
    """
    asked = select(func.count()).where(_asked(conversation_id, "poster", now - timedelta(days=1)))
    if (db.scalar(asked) or 0) >= POSTERS_A_DAY:
        raise TooManyPosters(most=POSTERS_A_DAY)
    return _ask(db, FollowUp(kind="poster", appeal_id=number), conversation_id, now)


def ask_for_card(db: Session, number: int, conversation_id: int, now: datetime) -> int | None:
    """Note that the appeal's card is to follow, and return the follow-up's number; None where it came lately."""
    return _ask_for_card(db, FollowUp(kind="card", appeal_id=number), conversation_id, now)


def ask_for_listing_card(db: Session, number: int, conversation_id: int, now: datetime) -> int | None:
    """The same for a listing."""
    return _ask_for_card(db, FollowUp(kind="card", listing_id=number), conversation_id, now)


def _ask_for_card(db: Session, wanted: FollowUp, conversation_id: int, now: datetime) -> int | None:
    same = FollowUp.appeal_id.is_not_distinct_from(wanted.appeal_id)
    same &= FollowUp.listing_id.is_not_distinct_from(wanted.listing_id)
    lately = _asked(conversation_id, "card", now - CARD_AGAIN_AFTER) & same
    if db.scalar(select(FollowUp.id).where(lately).limit(1)):
        return None
    return _ask(db, wanted, conversation_id, now)


def owed_posters(db: Session, now: datetime, most: int) -> Sequence[int]:
    """List the posters whose job was lost, the first asked first; a card that is late is owed no more."""
    owed = (FollowUp.state == "owed") & (FollowUp.kind == "poster") & (FollowUp.asked_at < now - OWED_AFTER)
    owed &= with_own_account(db, FollowUp.conversation_id)
    return db.scalars(select(FollowUp.id).where(owed).order_by(FollowUp.asked_at).limit(most)).all()


def address_follow_up(db: Session, follow_up_id: int, now: datetime) -> Addressed | None:
    """Tell to whom it goes; None where we may not send it. What nobody may send any more is given up."""
    found = db.get(FollowUp, follow_up_id, with_for_update=True)
    if found is None or found.state != "owed":
        return None
    if not db.scalar(select(with_own_account(db, found.conversation_id))):
        return None  # the worker of its own account sends it
    here = (Conversation.id == found.conversation_id) & Conversation.following & Conversation.parked_openid.is_(None)
    openid = db.scalar(select(Conversation.openid).where(here))
    late = now > found.asked_at + LATE[found.kind]
    number = found.appeal_id or found.listing_id or 0
    is_there = is_open(db, number, now) if found.appeal_id else is_listing_open(db, number)
    if late or openid is None or not is_there:
        found.state = "given_up"
        return None
    return Addressed(found.kind, number, openid, of_listing=found.appeal_id is None)


def claim_follow_up(db: Session, follow_up_id: int, now: datetime) -> bool:
    """Note that it is sent now, with one message of the person's window; False where it may not be."""
    found = db.get(FollowUp, follow_up_id, with_for_update=True)
    if found is None or found.state != "owed":
        return False
    windows = open_windows(db, [found.conversation_id], now).get(found.conversation_id, [])
    kept = KEPT_FOR_NOTIFICATIONS if found.kind == "card" else 0
    may = any(window.left is None for window in windows) or sum(window.left or 0 for window in windows) > kept
    found.state = "sent" if may and use_message(windows) else "given_up"
    return found.state == "sent"


def give_up(db: Session, follow_up_id: int) -> None:
    """Note that WeChat refused it."""
    db.get_one(FollowUp, follow_up_id).state = "given_up"


def delete_old_follow_ups(db: Session, now: datetime) -> int:
    """Delete them after a day, and return how many: what a person looked at is kept no longer than it is needed."""
    return len(db.scalars(delete(FollowUp).where(FollowUp.asked_at < now - KEPT_FOR).returning(FollowUp.id)).all())


def _asked(conversation_id: int, kind: str, since: datetime) -> ColumnElement[bool]:
    return (FollowUp.conversation_id == conversation_id) & (FollowUp.kind == kind) & (FollowUp.asked_at > since)


def _ask(db: Session, asked: FollowUp, conversation_id: int, now: datetime) -> int:
    asked.conversation_id, asked.asked_at = conversation_id, now
    db.add(asked)
    db.flush()
    return asked.id
