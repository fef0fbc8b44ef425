"""Somebody wants what somebody else has: in this version an officer puts the two in touch.

Both talk to the same officer, each in a ticket of their own, so that neither
has to be told the other's name or phone.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.conversation import Conversation
from models.notice import tell
from models.shelves import MARKET, OFFERS, REQUESTS, NoSuchThing, Shelf
from models.ticket import Ticket, open_ticket

THINGS: dict[str, Shelf[Any]] = {"listing": MARKET, "offer": OFFERS, "request": REQUESTS}
# Of each kind; whose news is about something older is answered by the officers of their own region.
_MOST_OWN = 20


@dataclass(frozen=True, slots=True)
class Matter:
    """What a ticket is about.

    ``kind``: listing, offer, request, or flow. A thing has a ``number``, a ``name`` and a ``place``, and ``own``
    says whether it is the caller's; a flow has its ``name``, and ``detail``: an appeal's number or kind, if any.
    """

    kind: str
    name: str
    number: int = 0
    place: str = ""
    own: bool = False
    detail: str = ""


def ask_for(db: Session, kind: str, number: int, conversation_id: int, home: str | None, now: datetime) -> Ticket:
    """A ticket about the thing, and word to its owner. Raises NoSuchThing.

    The officers of the household are the ones to help: of the seller's, of the asker's, and for an offer of the
    ``home`` of who wants it, for its donor may live where the programme has nobody.
    """
    card = THINGS[kind].card(db, number)
    if card is None:
        raise NoSuchThing(what=kind, number=number)
    region = home if kind == "offer" and home else card.region_code
    ticket = open_ticket(db, conversation_id, region, f"{kind}:{number}", now)
    facts = {"kind": kind, "number": number, "name": card.name}
    for owner in db.scalars(select(Conversation.id).where(Conversation.user_id == card.owner_id)):
        tell(db, owner, "wanted", facts, f"wanted:{ticket.id}:{owner}", now)
    return ticket


def find_wanted(db: Session, user_id: int) -> Ticket | None:
    """The newest open ticket in which somebody asks for a thing of this person's."""
    things = [f"{kind}:{item.number}" for kind, shelf in THINGS.items() for item in shelf.own(db, user_id, _MOST_OWN)]
    wanted = select(Ticket).where(Ticket.state == "open", Ticket.about.in_(things)).order_by(Ticket.id.desc()).limit(1)
    return db.scalar(wanted) if things else None


def matter_of(db: Session, ticket: Ticket) -> Matter | None:
    """What staff need to know of what the ticket is about; None when it is about nothing that is still there."""
    kind, _, rest = (ticket.about or "").partition(":")
    if kind == "flow":
        name, _, detail = rest.partition(":")
        return Matter(kind, name, detail=detail)
    card = THINGS[kind].card(db, int(rest)) if kind in THINGS else None
    if card is None:
        return None
    caller = db.scalar(select(Conversation.user_id).where(Conversation.id == ticket.conversation_id))
    return Matter(kind, card.name, int(rest), card.place, own=caller == card.owner_id)
