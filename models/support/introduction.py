"""Introduce a person who wants a listing to its seller, through an officer; until 0.3 also of offers and requests.

Both talk to the same officers, each in a ticket of their own about the item, so that neither learns the other's name
or phone. The owner has a ticket ``beside`` each asker's, so an owner with askers in two counties talks to each apart.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, literal, or_, select, union_all
from sqlalchemy.orm import Session

from models.goods.exchange import NoSuchThing
from models.notifications.notify import notify_user
from models.places.region import Region, county_of
from models.public.catalogue import MARKET, OFFERS, REQUESTS, Catalogue
from models.staff.member import Staff
from models.support.ticket import Ticket, may_go_on, open_ticket, put_in_queue
from models.verification.case import Verification

ITEMS: dict[str, Catalogue[Any]] = {"listing": MARKET, "offer": OFFERS, "request": REQUESTS}
# Subjects whose decision a person may complain about.
DECISIONS = ("case", "appeal")
# Subjects that only the county reads.
AT_COUNTY = ("danger", "report", "erase", "export")
# At most so many threads are listed at once.
MOST_THREADS = 5


@dataclass(frozen=True, slots=True)
class Topic:
    """What a ticket is about, by ``kind``.

    ``listing``, ``offer``, ``request``: an item with its ``number``, ``name`` and ``place``; ``own``: it is the
    caller's; ``other``: the number of the other side's ticket; ``county``: where the person who wants an offer lives.
    ``case``, ``appeal``: the ``number`` of what was decided; ``detail``: the case's present state.
    ``danger``: ``detail`` is ``self`` or ``now``. ``report``: if it is of a thing, ``detail`` (``appeal``, ``case``)
    and ``number``; of an officer (``staff``), ``name`` is the work number. ``erase``, and
    until 0.3 ``export``: of their own data.
    ``flow``: the ``name`` of the flow the caller was in; ``detail``: an appeal's number or kind, if any.
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
    """A conversation with officers that a person may continue. ``ticket``: their own, or None while there is only a
    ticket (``beside``) of a person who wants their item. ``waits``: the last message was not theirs.
    """

    ticket: int | None
    beside: int | None
    region_code: str | None
    about: str | None
    last_at: datetime
    waits: bool

    @property
    def key(self) -> tuple[str, int]:
        """What identifies the thread in a numbered line."""
        return ("ticket", self.ticket) if self.ticket else ("beside", self.beside or 0)

    @property
    def has_subject(self) -> bool:
        """Tell whether it is about an item, a decision, or what only the county reads."""
        return (self.about or "").partition(":")[0] in (*ITEMS, *DECISIONS, *AT_COUNTY)


def request_introduction(db: Session, number: int, conversation_id: int, now: datetime) -> Ticket:
    """Open a ticket about the listing for the officers of its region, and notify its seller. Raises NoSuchThing."""
    card = MARKET.card(db, number)
    if card is None:
        raise NoSuchThing(what="listing", number=number)
    ticket = open_ticket(db, conversation_id, card.region_code, f"listing:{number}", now)
    facts = {"kind": "listing", "number": number, "name": card.name}
    # The key holds the time of opening, so that a ticket opened again notifies the owner again.
    key = f"wanted:{ticket.id}:{int(ticket.opened_at.timestamp())}"
    notify_user(db, card.owner_id, "introduction", facts, key, now, ("listing", number))
    return ticket


def find_threads(db: Session, conversation_id: int, user_id: int | None, now: datetime) -> list[Thread]:
    """List the person's threads that may go on, the newest first: their own tickets, and tickets of people who want
    their items."""
    newest = select(Ticket).where(may_go_on(now)).order_by(Ticket.id.desc()).limit(4 * MOST_THREADS)
    calls = or_(Ticket.about.is_not(None), Ticket.state != "closed")
    mine = db.scalars(newest.where(Ticket.conversation_id == conversation_id, calls)).all()
    own_items = union_all(*(_references_of(kind, user_id) for kind in ITEMS))
    from_askers = newest.where(
        Ticket.about.in_(own_items), Ticket.conversation_id != conversation_id, Ticket.beside.is_(None)
    )
    asked = {ticket.id: ticket for ticket in db.scalars(from_askers)} if user_id else {}
    threads = [_thread(ticket, asked.pop(ticket.beside or 0, None)) for ticket in mine]
    for ask in asked.values():
        threads.append(Thread(None, ask.id, ask.region_code, ask.about, ask.opened_at, waits=True))
    return sorted(threads, key=lambda each: (each.last_at, each.waits, each.ticket or each.beside or 0), reverse=True)


def continue_thread(db: Session, thread: Thread, conversation_id: int, now: datetime) -> Ticket:
    """Open or reopen the person's ticket of this thread, for the same officers. Locks a ticket that exists."""
    if thread.ticket is None:
        return open_ticket(db, conversation_id, thread.region_code, thread.about, now, thread.beside)
    ticket = db.get_one(Ticket, thread.ticket, with_for_update=True, populate_existing=True)
    put_in_queue(ticket, now)
    db.flush()
    return ticket


def topic_of_thread(db: Session, thread: Thread) -> Topic | None:
    """Return the topic of a thread as the person sees it; None if it has no topic, or the item is gone."""
    if thread.ticket:
        return topic_of_ticket(db, db.get_one(Ticket, thread.ticket))
    return _topic_of_item(db, thread.about, thread.beside, own=True) if thread.beside else None


def topic_of_ticket(db: Session, ticket: Ticket) -> Topic | None:
    """Return the topic of a ticket as staff see it; None if it has no topic, or the item is gone."""
    kind, _, rest = (ticket.about or "").partition(":")
    if kind == "flow":
        name, _, detail = rest.partition(":")
        return Topic(kind, name, detail=detail)
    if kind in AT_COUNTY:
        detail, _, number = rest.partition(":")
        name = db.get_one(Staff, int(number)).work_no if detail == "staff" else ""
        return Topic(kind, name, int(number or 0), detail=detail)
    if kind in DECISIONS:
        stands = db.scalar(select(Verification.state).where(Verification.id == int(rest))) if kind == "case" else None
        return Topic(kind, "", int(rest), detail=stands or "")
    if ticket.beside:
        return _topic_of_item(db, ticket.about, ticket.beside, own=True)
    owners = select(Ticket.id).where(Ticket.beside == ticket.id).order_by(Ticket.id.desc()).limit(1)
    return _topic_of_item(db, ticket.about, db.scalar(owners), own=False)


def _topic_of_item(db: Session, about: str | None, other: int | None, *, own: bool) -> Topic | None:
    kind, _, number = (about or "").partition(":")
    card = ITEMS[kind].card(db, int(number)) if kind in ITEMS else None
    if card is None:
        return None
    county = None
    if own and kind == "offer":  # two askers may live in two counties, and each one's officers handle the ticket
        home = db.scalar(select(Ticket.region_code).where(Ticket.id == other))
        county = db.get(Region, county_of(home)) if home else None
    return Topic(kind, card.name, int(number), card.place, own=own, other=other, county=county.name if county else "")


def _references_of(kind: str, user_id: int | None) -> Any:
    """Select the references (``listing:3``) of this person's items of one kind."""
    catalogue = ITEMS[kind]
    return select(literal(f"{kind}:").concat(cast(catalogue.number, String))).where(catalogue.owner == user_id)


def _thread(ticket: Ticket, ask: Ticket | None) -> Thread:
    """Make the thread of a person's own ticket; ``ask``: the ticket that it is beside, if that is still live."""
    last_at = max(ticket.last_at, ask.opened_at) if ask else ticket.last_at
    waits = ticket.state == "answered" or last_at > ticket.last_at
    return Thread(ticket.id, ticket.beside, ticket.region_code, ticket.about, last_at, waits)
