"""Keep tickets (人工), a person's conversation with the officers of a place, with its messages encrypted.

A ticket is ``open`` while the officers have to answer, ``answered`` while the person may write again, and ``closed``
when either side or a long silence ended it. What the person writes next opens it again, for the same officers about
the same subject. An item that a person wants has two tickets, the asker's and the owner's ``beside`` it; the same
officers handle both.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ForeignKey, Index, String, false, func, or_, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted
from models.core.refusal import Refusal

TICKET_LASTS = timedelta(days=14)
"""How long after an answer, or after its end, a ticket may be taken up again."""
ANSWERED_WITHIN = timedelta(days=2)
"""The person should have an answer within this time."""
URGENT_WITHIN = timedelta(hours=2)
"""The same for a person in danger."""

STATES = ("open", "answered", "closed")
_IN_A_FLOW = "flow:"
_URGENT = text("urgent AND state <> 'closed'")


class NoSuchTicket(Refusal):
    code = "no_such_ticket"


class Ticket(Base):
    __tablename__ = "tickets"
    id: Mapped[RowId]
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    region_code: Mapped[str | None] = mapped_column(ForeignKey("regions.code"), index=True)
    about: Mapped[str | None] = mapped_column(String(80))
    """What it is about: an item (``listing:3``, ``offer:6``, ``request:5``: models.support.introduction), a decision
    (``case:7``, ``appeal:4``), what only the county reads (``danger:self``: models.support.urgent; ``report:appeal:6``,
    ``report:staff:3``, ``report``, ``erase``: models.support.report; ``export`` until 0.3), or the flow the person was
    in and its subject: ``flow:pledge:4``, ``flow:start_appeal:crowdfund``.
    """
    beside: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    """In an owner's ticket, the ticket of the person who wants the item; an owner has one for each asker."""
    urgent: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The person is in danger. It stands first in the queue, and only an officer closes it."""
    state: Mapped[str] = mapped_column(String(8), default="open")
    opened_at: Mapped[datetime]
    """Since when the officers have to answer; the last time that they had to."""
    due_at: Mapped[datetime]
    """By when they should have answered; of an urgent ticket that is late, by when they are reminded again."""
    answered_at: Mapped[datetime | None]
    """When they last answered, or the person took a closed ticket up again: since when it waits for the person."""
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", STATES),
        Index("ix_tickets_state_id", "state", "id"),
        Index("ix_tickets_about_id", "about", "id"),
        Index("uq_tickets_one_urgent", "conversation_id", unique=True, postgresql_where=_URGENT),
        Index("ix_tickets_answered_at", "answered_at", postgresql_where=text("state = 'answered'")),
    )

    @property
    def last_at(self) -> datetime:
        """When it was closed, answered or last opened: the time of its present state."""
        if self.state == "answered":
            return self.answered_at or self.opened_at
        return self.closed_at or self.opened_at

    @property
    def has_subject(self) -> bool:
        """Tell whether it is about an item or a decision, not only opened within a flow."""
        return self.about is not None and not self.about.startswith(_IN_A_FLOW)

    def may_be_answered(self, now: datetime) -> bool:
        """Tell whether it takes an answer: until it is closed, and then too if it is about an item or a decision.

        An officer who introduces two sides may have to answer after one of them has ended its part. A ticket that is
        not open takes none once ``TICKET_LASTS`` is over, unless it is urgent.
        """
        if self.urgent and self.state == "answered":
            return True
        recent = now - self.last_at < TICKET_LASTS
        return self.state == "open" or (recent and (self.state == "answered" or self.has_subject))


class TicketMessage(Base):
    """One message of a ticket. ``author``: ``person`` or ``staff:<id>``; of photos and voices only the kind is kept."""

    __tablename__ = "ticket_messages"
    id: Mapped[RowId]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    author: Mapped[str] = mapped_column(String(40))
    words: Mapped[str] = mapped_column(Encrypted("ticket words"))
    at: Mapped[datetime]


def open_ticket(
    db: Session,
    conversation_id: int,
    region_code: str | None,
    about: str | None,
    now: datetime,
    beside: int | None = None,
) -> Ticket:
    """Return the person's ticket for this subject, opened again if it is not over, or a new one.

    Each item (``listing:3``) has a ticket of its own, for its own officers; with ``beside``, one for each asker.
    All other calls share one ticket until it is closed, and its ``about`` names the flow the person was in last.
    """
    own = select(Ticket).where(Ticket.conversation_id == conversation_id)
    same = own.where(Ticket.about == about, Ticket.beside == beside).order_by(Ticket.id.desc()).limit(1)
    of_any_flow = own.where(Ticket.state != "closed", or_(Ticket.about.is_(None), Ticket.about.startswith(_IN_A_FLOW)))
    in_a_flow = about is None or about.startswith(_IN_A_FLOW)
    ticket = db.scalar(of_any_flow.order_by(Ticket.id.desc()).limit(1)) if in_a_flow else None
    if ticket is None and about is not None:
        ticket = db.scalar(same)
    if ticket is None or (ticket.state != "open" and now - ticket.last_at >= TICKET_LASTS):
        ticket = Ticket(
            conversation_id=conversation_id,
            region_code=region_code,
            about=about,
            beside=beside,
            opened_at=now,
            due_at=now + ANSWERED_WITHIN,
        )
        db.add(ticket)
    elif in_a_flow and about:
        ticket.about = about
    put_in_queue(ticket, now)
    db.flush()
    return ticket


def put_in_queue(ticket: Ticket, now: datetime) -> None:
    """Make it the officers' turn, if it is not: they have as long again to answer."""
    if ticket.state in ("answered", "closed"):
        ticket.state, ticket.opened_at, ticket.closed_at = "open", now, None
        ticket.due_at = now + (URGENT_WITHIN if ticket.urgent else ANSWERED_WITHIN)


def lock_ticket(db: Session, ticket_id: int) -> Ticket | None:
    """Lock the ticket and read it afresh: an officer may be answering or closing it."""
    return db.get(Ticket, ticket_id, with_for_update=True, populate_existing=True)


def may_go_on(now: datetime) -> ColumnElement[bool]:
    """Build a condition: tickets that are open, or were answered or closed within ``TICKET_LASTS``."""
    since = now - TICKET_LASTS
    return or_(
        Ticket.state == "open",
        (Ticket.state == "answered") & (Ticket.answered_at > since),
        (Ticket.state == "closed") & (Ticket.closed_at > since),
    )


def newest_ticket(db: Session, conversation_id: int, now: datetime) -> Ticket | None:
    """Find the ticket that the person or the officers used last, if it may go on."""
    last_at = func.greatest(Ticket.opened_at, Ticket.answered_at, Ticket.closed_at)
    own = select(Ticket).where(Ticket.conversation_id == conversation_id, may_go_on(now))
    return db.scalar(own.order_by(last_at.desc(), Ticket.id.desc()).limit(1))


def add_message(db: Session, ticket_id: int, author: str, words: str, now: datetime) -> int:
    """Add a message to a ticket, and return the message's id."""
    message = TicketMessage(ticket_id=ticket_id, author=author, words=words, at=now)
    db.add(message)
    db.flush()
    return message.id


def say_in_ticket(db: Session, ticket_id: int, words: str, now: datetime) -> Ticket | None:
    """Add the person's words and put the ticket in the officers' queue; None if it is closed. Locks the ticket."""
    ticket = lock_ticket(db, ticket_id)
    if ticket is None or ticket.state == "closed":
        return None
    add_message(db, ticket_id, "person", words, now)
    put_in_queue(ticket, now)
    db.flush()
    return ticket


def take_up(ticket: Ticket, now: datetime) -> None:
    """Open a closed ticket again: the officers wait for the person's words, where they had answered before."""
    if ticket.state == "closed":
        if ticket.answered_at is None:
            put_in_queue(ticket, now)
        else:
            ticket.state, ticket.answered_at, ticket.closed_at = "answered", now, None


def close_ticket(db: Session, ticket_id: int, now: datetime) -> None:
    ticket = db.get(Ticket, ticket_id)
    if ticket:
        ticket.state, ticket.closed_at = "closed", now
        db.flush()
