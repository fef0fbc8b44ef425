"""Open an urgent ticket at the county for a person in danger, and notify the county's officers."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.state_machine import By
from models.notifications.notify import NewNotification, notify_each
from models.people.conversation import Conversation
from models.places.region import county_of
from models.staff.member import SAME_WECHAT, Staff, seats_covering, serving
from models.support.ticket import URGENT_WITHIN, Ticket, add_message, put_in_queue

# Of all counties' officers, so many are notified of a person whose county is not known, or has no officer.
_MOST_NOTIFIED = 20
# For so long the county is reminded of a ticket that it does not answer.
_REMINDED = timedelta(days=3)
_BATCH = 500


def open_urgent_ticket(
    db: Session, conversation_id: int, home: str | None, danger: str, words: str, now: datetime
) -> tuple[Ticket, bool]:
    """Put the person's urgent ticket first in the county's queue with these words, and notify the county.

    A person has one until it is closed. ``home``: where they live, if known; without an officer in that county, the
    officers of all counties see the ticket. ``danger``: ``self`` or ``now``. Returns the ticket, and whether an
    officer is there at all.
    """
    own = select(Ticket).where(Ticket.conversation_id == conversation_id, Ticket.urgent, Ticket.state != "closed")
    ticket = db.scalar(own.with_for_update())
    about = f"danger:{danger}"
    if ticket is None:
        ticket = Ticket(
            conversation_id=conversation_id, about=about, urgent=True, opened_at=now, due_at=now + URGENT_WITHIN
        )
        db.add(ticket)
    county = county_of(home) if home else None
    ticket.region_code = county if county and _officers(db, county, now) else None
    ticket.about = about
    put_in_queue(ticket, now)
    db.flush()
    add_message(db, ticket.id, "person", words, now)
    return ticket, notify_county(db, ticket, now)


def notify_county(db: Session, ticket: Ticket, now: datetime) -> bool:
    """Notify the officers who see the urgent ticket, once for each time by which it is due; False without any."""
    officers = [each for each in _officers(db, ticket.region_code, now) if each != ticket.conversation_id]
    danger = (ticket.about or "").partition(":")[2]
    facts = {"number": ticket.id, "danger": danger, "due": ticket.due_at.isoformat()}
    key = f"person_in_danger:{ticket.id}:{ticket.due_at.timestamp()}"
    new = [NewNotification(officer, ticket.id, facts, f"{key}:{officer}") for officer in officers]
    notify_each(db, "person_in_danger", "ticket", new, now)
    return bool(officers)


def remind_of_urgent(db: Session, now: datetime) -> int:
    """Notify the county again of urgent tickets that nobody has answered in time. Returns how many there were."""
    waiting = (Ticket.state == "open") & Ticket.urgent & (Ticket.due_at <= now)
    late = select(Ticket).where(waiting, Ticket.opened_at > now - _REMINDED)
    found = db.scalars(late.order_by(Ticket.id).limit(_BATCH).with_for_update(skip_locked=True)).all()
    for ticket in found:
        ticket.due_at = now + URGENT_WITHIN
        notify_county(db, ticket, now)
    db.flush()
    return len(found)


def _officers(db: Session, county: str | None, now: datetime) -> list[int]:
    """Return the conversations of the county's officers, or (None) of some of all counties' officers."""
    officers = select(Conversation.id).join(Staff, SAME_WECHAT).where(Staff.role == By.COUNTY, serving(now))
    if county:
        officers = officers.where(seats_covering(county, By.COUNTY))
    return list(db.scalars(officers.order_by(Staff.id).limit(_MOST_NOTIFIED)))
