"""Keep tickets (人工), a person's calls for an officer, with their messages encrypted.

An answer closes a ticket. A person who calls again within ``LASTS`` reopens it, and so reaches the same officers
about the same subject. An item that a person wants has two tickets, the asker's and the owner's ``beside`` it; the
same officers handle both, and may answer either until ``LASTS`` is over.
"""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted
from models.core.refusal import Refusal

TICKET_LASTS = timedelta(days=14)
"""How long after an answer a ticket may go on."""


_IN_A_FLOW = "flow:"


class NoSuchTicket(Refusal):
    code = "no_such_ticket"


class Ticket(Base):
    __tablename__ = "tickets"
    id: Mapped[RowId]
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    region_code: Mapped[str | None] = mapped_column(ForeignKey("regions.code"), index=True)
    about: Mapped[str | None] = mapped_column(String(80))
    """What it is about: an item (``listing:3``, ``offer:6``, ``request:5``: models.support.introduction), a decision
    (``case:7``, ``appeal:4``), or the flow the person was in and its subject: ``flow:pledge:4``,
    ``flow:start_appeal:crowdfund``.
    """
    beside: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    """In an owner's ticket, the ticket of the person who wants the item; an owner has one for each asker."""
    state: Mapped[str] = mapped_column(String(8), default="open")
    opened_at: Mapped[datetime]
    """When it was last opened."""
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", ("open", "closed")),
        Index("ix_tickets_state_id", "state", "id"),
        Index("ix_tickets_about_id", "about", "id"),
    )

    @property
    def last_at(self) -> datetime:
        """When it was answered, or last opened."""
        return self.closed_at or self.opened_at

    @property
    def has_subject(self) -> bool:
        """Tell whether it is about an item or a decision, not only opened within a flow."""
        return self.about is not None and not self.about.startswith(_IN_A_FLOW)

    def may_be_answered(self, now: datetime) -> bool:
        """Tell whether it takes an answer: while open, and within ``LASTS`` if it is about an item or a decision.

        An officer who introduces two sides may have to answer more than once.
        """
        return self.state == "open" or (self.has_subject and now - self.last_at < TICKET_LASTS)


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
    """Return the person's open ticket for this subject, reopened if it was answered within ``LASTS``, or a new one.

    Each item (``listing:3``) has a ticket of its own, for its own officers; with ``beside``, one for each asker.
    All other calls share one ticket while it is open, and its ``about`` names the flow the person was in last.
    """
    own = select(Ticket).where(Ticket.conversation_id == conversation_id)
    same = own.where(Ticket.about == about, Ticket.beside == beside).order_by(Ticket.id.desc()).limit(1)
    of_any_flow = own.where(Ticket.state == "open", or_(Ticket.about.is_(None), Ticket.about.startswith(_IN_A_FLOW)))
    in_a_flow = about is None or about.startswith(_IN_A_FLOW)
    ticket = db.scalar(of_any_flow.order_by(Ticket.id.desc()).limit(1)) if in_a_flow else None
    if ticket is None and about is not None:
        ticket = db.scalar(same)
    if ticket is None or (ticket.state == "closed" and now - ticket.last_at >= TICKET_LASTS):
        ticket = Ticket(
            conversation_id=conversation_id, region_code=region_code, about=about, beside=beside, opened_at=now
        )
        db.add(ticket)
    elif in_a_flow and about:
        ticket.about = about
    reopen_ticket(ticket, now)
    db.flush()
    return ticket


def reopen_ticket(ticket: Ticket, now: datetime) -> None:
    if ticket.state == "closed":
        ticket.state, ticket.opened_at, ticket.closed_at = "open", now, None


def is_ticket_open(db: Session, ticket_id: int) -> bool:
    return db.scalar(select(Ticket.state).where(Ticket.id == ticket_id)) == "open"


def add_message(db: Session, ticket_id: int, author: str, words: str, now: datetime) -> int:
    """Add a message to a ticket, and return the message's id."""
    message = TicketMessage(ticket_id=ticket_id, author=author, words=words, at=now)
    db.add(message)
    db.flush()
    return message.id


def close_ticket(db: Session, ticket_id: int, now: datetime) -> None:
    ticket = db.get(Ticket, ticket_id)
    if ticket:
        ticket.state, ticket.closed_at = "closed", now
        db.flush()
