"""Printed cards: a QR code binds the resident's own WeChat to the registration that an officer made for them.

A found or stolen card is not enough: binding asks for the last six places of the ID number, with three tries. If the
resident already has a bound WeChat, a new card binds only after three days, so that its holder can object.
"""

import hmac
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, SmallInteger, String, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId
from models.core.calendar import CHINA
from models.core.codes import new_code
from models.core.encryption import Encrypted, Lookup, keyring
from models.core.hooks import Hook
from models.core.refusal import Refusal
from models.notifications.notify import notify_user
from models.people.conversation import Conversation
from models.people.user import User
from models.staff.member import Staff, copy_household_to_seats, notify_staff

SCENE = "card_"
LENGTH = 12
MOST_TRIES = 3
LAST_PLACES = 6
OBJECT_WITHIN = timedelta(days=3)

# Arguments: the conversation of a WeChat that is about to be the resident's no more, as they bind a new one.
on_unbound: Hook[[Session, int, datetime], object] = Hook("proxy.card.on_unbound")

_LIVE = text("bound_at IS NULL AND void_at IS NULL")
_OWED = text("qr_url IS NULL AND bound_at IS NULL AND void_at IS NULL")


class CardDead(Refusal):
    """The card is unknown, bound or void; the refusal does not say which."""

    code = "card_dead"
    final = True


class WrongLastPlaces(Refusal):
    """The last places of the ID number are wrong. ``left``: tries until the card is void."""

    code = "wrong_last_places"
    step = "last_places"


class WeChatTaken(Refusal):
    """This WeChat is already bound to a registered user."""

    code = "wechat_taken"
    final = True


class WeChatOfStaff(Refusal):
    """This WeChat belongs to staff: an officer could confirm acts in the resident's name."""

    code = "wechat_of_staff"
    final = True


class CardTooSoon(Refusal):
    """The resident has a bound WeChat, and the time to object lasts until ``day``."""

    code = "card_too_soon"
    final = True


class Card(Base):
    """A printed card, found by the keyed hash of its code; the sealed code is kept until the card is bound or void.

    ``qr_url``: the address that its QR code encodes (from WeChat). ``qr_until``: when it expires; None: never.
    """

    __tablename__ = "cards"
    id: Mapped[RowId]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    code: Mapped[str | None] = mapped_column(Encrypted("card code", Lookup("code_hash", "card")))
    issued_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    issued_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    bound_at: Mapped[datetime | None]
    void_at: Mapped[datetime | None]
    qr_url: Mapped[str | None] = mapped_column(Encrypted("card QR address"))
    qr_until: Mapped[datetime | None]
    qr_tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")

    __table_args__ = (
        CheckConstraint("bound_at IS NULL OR void_at IS NULL", name="one_end"),
        Index("uq_cards_live", "user_id", unique=True, postgresql_where=_LIVE),
        Index("ix_cards_owed", "issued_at", postgresql_where=_OWED),
    )


def issue_card(db: Session, user: User, staff: Staff, now: datetime) -> Card:
    """Issue a card, void the resident's earlier one and notify a bound WeChat. The caller starts the QR code job."""
    earlier = db.scalar(select(Card).where(Card.user_id == user.id, _is_live()).with_for_update())
    if earlier:
        void_card(db, earlier, staff.actor.name, "replaced", now)
    code = new_code(LENGTH)
    hashed = keyring().lookup_hashes(code, "card")[0]
    card = Card(user_id=user.id, code_hash=hashed, code=code, issued_by=staff.id, issued_at=now)
    db.add(card)
    db.flush()
    _note(db, card, staff.actor.name, "card_issued", None, now)
    facts = {"from": _free_at(card).astimezone(CHINA).date().isoformat()}
    notify_user(db, user.id, "card_issued", facts, f"card_issued:{card.id}", now, ("card", card.id))
    return card


def find_card(db: Session, code: str) -> Card:
    """Find a live card by the code in its QR code. Raises CardDead."""
    card = db.scalar(select(Card).where(Card.code_hash.in_(keyring().lookup_hashes(code, "card")), _is_live()))
    if card is None:
        raise CardDead
    return card


def live_card(db: Session, user_id: int) -> Card | None:
    return db.scalar(select(Card).where(Card.user_id == user_id, _is_live()))


def check_last_places(db: Session, number: int, given: str, actor: str, now: datetime) -> None:
    """Check the last six places of the ID number; the third wrong try voids the card and notifies its officer.

    Locks the card. Raises WrongLastPlaces or CardDead. Do not call it where a refusal rolls back: the count must stay.
    """
    card = _lock(db, number)
    user = db.get_one(User, card.user_id)
    if user.id_number and hmac.compare_digest(user.id_number[-LAST_PLACES:].encode(), given.encode()):
        return
    card.tries += 1
    _note(db, card, actor, "card_refused", str(card.tries), now)
    if card.tries < MOST_TRIES:
        db.flush()
        raise WrongLastPlaces(left=MOST_TRIES - card.tries)
    void_card(db, card, actor, "tries", now)
    officer = db.get_one(Staff, card.issued_by)
    notify_staff(db, officer, "card_void", {"name": user.masked_name}, f"card_void:{card.id}", now, ("card", card.id))
    raise CardDead


def bind_wechat(db: Session, number: int, conversation_id: int, now: datetime) -> User:
    """Bind this WeChat to the resident, unbind and notify an earlier one. Raises CardDead, WeChatTaken, CardTooSoon."""
    card = _lock(db, number)
    conversation = db.get_one(Conversation, conversation_id, populate_existing=True)
    if conversation.user_id is not None:
        raise WeChatTaken
    others = (Conversation.user_id == card.user_id) & (Conversation.id != conversation_id)
    if db.scalar(select(Conversation.id).where(others).limit(1)) and now < _free_at(card):
        raise CardTooSoon(day=_free_at(card))
    for other in db.scalars(select(Conversation).where(others)).all():
        copy_household_to_seats(db, other.account, other.openid)
        on_unbound(db, other.id, now)
    facts = {
        "on": now.astimezone(CHINA).date().isoformat(),
        "work_no": db.get_one(Staff, card.issued_by).work_no,
    }
    notify_user(db, card.user_id, "card_bound", facts, f"card_bound:{card.id}", now, ("card", card.id))
    db.execute(update(Conversation).where(others).values(user_id=None))
    db.execute(update(Conversation).where(Conversation.id == conversation_id).values(user_id=card.user_id))
    copy_household_to_seats(db, conversation.account, conversation.openid)
    card.bound_at, card.code, card.qr_url = now, None, None
    db.flush()
    _note(db, card, f"user:{card.user_id}", "card_bound", None, now)
    return db.get_one(User, card.user_id)


def void_card(db: Session, card: Card, actor: str, why: str, now: datetime) -> None:
    card.void_at, card.code, card.qr_url = now, None, None
    db.flush()
    _note(db, card, actor, "card_void", why, now)


def _free_at(card: Card) -> datetime:
    return card.issued_at + OBJECT_WITHIN


def _lock(db: Session, number: int) -> Card:
    found = select(Card).where(Card.id == number, _is_live()).with_for_update()
    card = db.scalar(found.execution_options(populate_existing=True))
    if card is None:
        raise CardDead
    return card


def _is_live() -> ColumnElement[bool]:
    return Card.bound_at.is_(None) & Card.void_at.is_(None)


def _note(db: Session, card: Card, actor: str, action: str, detail: str | None, now: datetime) -> None:
    record(db, at=now, actor=actor, action=action, subject="card", subject_id=card.id, detail=detail)
