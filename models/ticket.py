"""Requests for a person to talk to (人工): what was said is kept sealed until somebody answers."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, RowId, one_of
from models.errors import Refusal
from models.sealing import Sealed


class NoSuchTicket(Refusal):
    code = "no_such_ticket"


class Ticket(Base):
    __tablename__ = "tickets"
    id: Mapped[RowId]
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    region_code: Mapped[str | None] = mapped_column(ForeignKey("regions.code"))
    about: Mapped[str | None] = mapped_column(String(80))
    """What it is about: ``listing:3``, ``offer:6``, ``request:5`` (models.contact), or the flow that the person was
    in, with what it was started about: ``flow:pledge:4``, ``flow:start_appeal:crowdfund``.
    """
    state: Mapped[str] = mapped_column(String(8), default="open")
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    __table_args__ = (one_of("state", ("open", "closed")), Index("ix_tickets_state_id", "state", "id"))


class TicketMessage(Base):
    """``author`` is ``person`` or ``staff:<id>``; photos and voices are kept by their kind alone."""

    __tablename__ = "ticket_messages"
    id: Mapped[RowId]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    author: Mapped[str] = mapped_column(String(40))
    words: Mapped[str] = mapped_column(Sealed("ticket_messages.words"))
    at: Mapped[datetime]


def open_ticket(db: Session, conversation_id: int, region_code: str | None, about: str | None, now: datetime) -> Ticket:
    """The person's open ticket that this belongs to, or a new one.

    Each thing (``listing:3``) has a ticket of its own, for its own officers. Whatever else somebody calls for goes
    on in one, which tells the flow they were in last; a call from nowhere goes on with their newest.
    """
    statement = select(Ticket).where(Ticket.conversation_id == conversation_id, Ticket.state == "open")
    in_a_flow = about is not None and about.startswith("flow:")
    if in_a_flow:
        statement = statement.where(or_(Ticket.about.is_(None), Ticket.about.startswith("flow:")))
    elif about is not None:
        statement = statement.where(Ticket.about == about)
    ticket = db.scalar(statement.order_by(Ticket.id.desc()).limit(1))
    if ticket is None:
        ticket = Ticket(conversation_id=conversation_id, region_code=region_code, about=about, opened_at=now)
        db.add(ticket)
    elif in_a_flow:
        ticket.about = about
    db.flush()
    return ticket


def is_open(db: Session, ticket_id: int) -> bool:
    return db.scalar(select(Ticket.state).where(Ticket.id == ticket_id)) == "open"


def add_words(db: Session, ticket_id: int, author: str, words: str, now: datetime) -> None:
    db.add(TicketMessage(ticket_id=ticket_id, author=author, words=words, at=now))
    db.flush()


def close_ticket(db: Session, ticket_id: int, now: datetime) -> None:
    ticket = db.get(Ticket, ticket_id)
    if ticket and ticket.state == "open":
        ticket.state, ticket.closed_at = "closed", now
        db.flush()
