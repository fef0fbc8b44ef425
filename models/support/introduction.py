"""Somebody wants what somebody else has: in this version an officer puts the two in touch.

Both talk to the same officers, each in a ticket of their own about the thing, so that neither has to be told the
other's name or phone. The owner's ticket stands beside the asker's: who is asked by two counties talks to each apart.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, literal, or_, select, union_all
from sqlalchemy.orm import Session

from models.notifications.notification import tell
from models.people.conversation import Conversation
from models.places.region import Region
from models.public.catalogue import MARKET, OFFERS, REQUESTS, NoSuchThing, Shelf
from models.support.ticket import LASTS, Ticket, open_ticket, reopen
from models.verification.case import Verification

THINGS: dict[str, Shelf[Any]] = {"listing": MARKET, "offer": OFFERS, "request": REQUESTS}
# What was decided on, and a person appeals against.
DECISIONS = ("case", "appeal")
# More are never named at once.
MOST_THREADS = 5
_COUNTY = 6


@dataclass(frozen=True, slots=True)
class Matter:
    """What a ticket is about.

    ``kind`` may also be ``case`` or ``appeal``: a decision that the caller does not accept, by its ``number``;
    ``detail`` is where the case stands now.

    ``kind``: listing, offer, request, or flow. A thing has a ``number``, a ``name`` and a ``place``; ``own`` says
    whether it is the caller's, ``other`` is the number of the other side's ticket, and ``county`` where who wants an
    offer lives. A flow has its ``name``, and ``detail``: an appeal's number or kind, if any.
    """

    kind: str
    name: str
    number: int = 0
    place: str = ""
    own: bool = False
    detail: str = ""
    other: int | None = None
    county: str = ""


@dataclass(frozen=True, slots=True)
class Thread:
    """What a person may go on talking about: their own ``ticket``, or none yet, ``beside`` who asks for their thing.

    ``waits``: the last word was not theirs.
    """

    ticket: int | None
    beside: int | None
    region_code: str | None
    about: str | None
    told_at: datetime
    waits: bool

    @property
    def key(self) -> tuple[str, int]:
        """One way to say which it is, for a numbered line."""
        return ("ticket", self.ticket) if self.ticket else ("beside", self.beside or 0)

    @property
    def about_thing(self) -> bool:
        return (self.about or "").partition(":")[0] in (*THINGS, *DECISIONS)


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
        # Asked again after an answer, it is news again.
        key = f"wanted:{ticket.id}:{owner}:{int(ticket.opened_at.timestamp())}"
        tell(db, owner, "introduction", facts, key, now, (kind, number))
    return ticket


def find_threads(db: Session, conversation_id: int, user_id: int | None, now: datetime) -> list[Thread]:
    """What was open or answered in the last ``LASTS``, the newest first: own tickets, and asks for own things."""
    live = or_(Ticket.state == "open", Ticket.closed_at > now - LASTS)
    newest = select(Ticket).where(live).order_by(Ticket.id.desc()).limit(4 * MOST_THREADS)
    mine = db.scalars(
        newest.where(Ticket.conversation_id == conversation_id, or_(Ticket.about.is_not(None), Ticket.state == "open"))
    ).all()
    things = union_all(*(_names_of(kind, user_id) for kind in THINGS))
    of_others = newest.where(
        Ticket.about.in_(things), Ticket.conversation_id != conversation_id, Ticket.beside.is_(None)
    )
    asked = {ticket.id: ticket for ticket in db.scalars(of_others)} if user_id else {}
    threads = [_thread(ticket, asked.pop(ticket.beside or 0, None)) for ticket in mine]
    for ask in asked.values():
        threads.append(Thread(None, ask.id, ask.region_code, ask.about, ask.opened_at, waits=True))
    return sorted(threads, key=lambda each: (each.told_at, each.waits, each.ticket or each.beside or 0), reverse=True)


def go_on(db: Session, thread: Thread, conversation_id: int, now: datetime) -> Ticket:
    """The person's ticket of this thread, open: the same officers, the same subject."""
    if thread.ticket is None:
        return open_ticket(db, conversation_id, thread.region_code, thread.about, now, thread.beside)
    ticket = db.get_one(Ticket, thread.ticket, with_for_update=True, populate_existing=True)
    reopen(ticket, now)
    db.flush()
    return ticket


def matter_in(db: Session, thread: Thread) -> Matter | None:
    """What the person needs to know of a thread; None when it is about nothing that is still there."""
    if thread.ticket:
        return matter_of(db, db.get_one(Ticket, thread.ticket))
    return _thing(db, thread.about, thread.beside, own=True) if thread.beside else None


def matter_of(db: Session, ticket: Ticket) -> Matter | None:
    """What staff need to know of what the ticket is about; None when it is about nothing that is still there."""
    kind, _, rest = (ticket.about or "").partition(":")
    if kind == "flow":
        name, _, detail = rest.partition(":")
        return Matter(kind, name, detail=detail)
    if kind in DECISIONS:
        stands = db.scalar(select(Verification.state).where(Verification.id == int(rest))) if kind == "case" else None
        return Matter(kind, "", int(rest), detail=stands or "")
    if ticket.beside:
        return _thing(db, ticket.about, ticket.beside, own=True)
    owners = select(Ticket.id).where(Ticket.beside == ticket.id).order_by(Ticket.id.desc()).limit(1)
    return _thing(db, ticket.about, db.scalar(owners), own=False)


def _thing(db: Session, about: str | None, other: int | None, *, own: bool) -> Matter | None:
    kind, _, number = (about or "").partition(":")
    card = THINGS[kind].card(db, int(number)) if kind in THINGS else None
    if card is None:
        return None
    county = None
    if own and kind == "offer":  # its two askers may live in two counties, and the officers are those of their homes
        home = db.scalar(select(Ticket.region_code).where(Ticket.id == other))
        county = db.get(Region, home[:_COUNTY].ljust(12, "0")) if home else None
    return Matter(kind, card.name, int(number), card.place, own=own, other=other, county=county.name if county else "")


def _names_of(kind: str, user_id: int | None) -> Any:
    """``listing:3`` for each that is this person's."""
    shelf = THINGS[kind]
    return select(literal(f"{kind}:").concat(cast(shelf.number, String))).where(shelf.owner == user_id)


def _thread(ticket: Ticket, ask: Ticket | None) -> Thread:
    """An own ticket, with the ask that it stands beside, if that goes on."""
    told_at = max(ticket.last_at, ask.opened_at) if ask else ticket.last_at
    waits = ticket.state == "closed" or told_at > ticket.last_at
    return Thread(ticket.id, ticket.beside, ticket.region_code, ticket.about, told_at, waits)
