"""Collection cards: an officer prints the six digits for a household without a phone, by its live mandate."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId
from models.core.refusal import Refusal
from models.core.state_machine import WrongState
from models.goods.exchange import GoodsRequest, NoSuchThing
from models.goods.matches.match import Match
from models.goods.points.point import Point
from models.people.conversation import Conversation
from models.proxy.mandate import GOODS, live_mandate
from models.staff.conflict_of_interest import conflicts_with
from models.staff.member import Staff
from models.staff.turn import demand_identified


class NoMandateForCard(Refusal):
    """The household has not charged this officer with its goods, or no more."""

    code = "no_mandate_for_card"


class HasOwnPhone(Refusal):
    """The household has the digits on its own phone, so nobody prints them."""

    code = "has_own_phone"


class CollectionCard(Base):
    """A card printed for a match. ``printed_by``: the officer, who knows the digits from then on. ``void_at``: it was
    used, printed anew, or its digits are others."""

    __tablename__ = "collection_cards"
    id: Mapped[RowId]
    match_id: Mapped[int] = mapped_column(ForeignKey("matches.id"), index=True)
    printed_by: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    printed_at: Mapped[datetime]
    void_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_collection_cards_live", "match_id", unique=True, postgresql_where=text("void_at IS NULL")),
    )


def print_card(db: Session, by: Staff, number: int, now: datetime) -> CollectionCard:
    """Make the card of a match that lies at its point; an earlier one of it is void, and its page opens no more.

    Raises NoSuchThing, NotIdentified, WrongState, NoMandateForCard or HasOwnPhone.
    """
    demand_identified(by)
    match = db.get(Match, number, with_for_update=True, populate_existing=True)
    if match is None or not by.covers(db.get_one(Point, match.point_id).region_code):
        raise NoSuchThing(what="parcel", number=number)
    if by.id in conflicts_with(db, match.household_id):
        raise NoSuchThing(what="parcel", number=number)
    if match.state != "at_point":
        raise WrongState(subject="match", state=match.state, wanted="at_point")
    owner = db.get_one(GoodsRequest, match.request_id).owner_id
    if live_mandate(db, owner, by.id, GOODS, now) is None:
        raise NoMandateForCard
    if db.scalar(select(Conversation.id).where(Conversation.user_id == owner).limit(1)) is not None:
        raise HasOwnPhone
    void_card(db, number, now)
    card = CollectionCard(match_id=number, printed_by=by.id, printed_at=now)
    db.add(card)
    db.flush()
    record(db, at=now, actor=by.actor.name, action="card_printed", subject="match", subject_id=number)
    return card


def live_card_of(db: Session, match: int) -> CollectionCard | None:
    return db.scalar(select(CollectionCard).where(CollectionCard.match_id == match, CollectionCard.void_at.is_(None)))


def void_card(db: Session, match: int, now: datetime) -> None:
    if card := live_card_of(db, match):
        card.void_at = now
        db.flush()


def printer_of(db: Session, match: int) -> int | None:
    """Return the officer who printed the match's newest card; None without one."""
    printed = select(CollectionCard.printed_by).where(CollectionCard.match_id == match)
    return db.scalar(printed.order_by(CollectionCard.id.desc()).limit(1))


def printers_of(db: Session, match: int) -> set[int]:
    """Return every officer who printed a card of the match, also one that is void: they have read its digits."""
    return set(db.scalars(select(CollectionCard.printed_by).where(CollectionCard.match_id == match)))
