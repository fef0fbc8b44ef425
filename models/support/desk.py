"""Let staff list, read, answer and close the tickets (人工) of their region."""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ColumnElement, case, cast, false, func, or_, select
from sqlalchemy.orm import Session

from models.core.audit_trail import record_reading
from models.core.refusal import Refusal
from models.core.state_machine import By
from models.notifications.notify import notify
from models.people.conversation import Conversation
from models.people.user import User
from models.places.region import Region
from models.staff.member import SAME_WECHAT, Staff, all_seats_of, covered_by
from models.staff.turn import HasConflict, OutsideRegion
from models.support.concerned import deciders, kept_from, refusers
from models.support.ticket import NoSuchTicket, Ticket, TicketMessage, add_message, close_ticket, lock_ticket

# After an answer, a person who is silent for this long needs nothing more.
QUIET_LASTS = timedelta(days=7)
# A ticket may have thousands of messages, each to be decrypted; a page shows fewer than these.
MOST_READ = 60
# In characters of three bytes; a longer one counts for more. The answer has to fit into one message.
LONGEST_ANSWER = 500
_BATCH = 500


class AnswerMissing(Refusal):
    """The answer has a ticket's number, but no words."""

    code = "answer_missing"


class TicketWaits(Refusal):
    """The person waits for an answer in the ticket, so an officer may not close it."""

    code = "ticket_waits"


class AnswerTooLong(Refusal):
    code = "answer_too_long"


def waiting_tickets(
    db: Session, staff: Staff, most: int, after: tuple[datetime, int] | None = None, *, urgent: bool = False
) -> list[Ticket]:
    """List open tickets that the officer may answer, the earliest due first. ``after``: (its time, id) of the last.

    Of the urgent ones the longest waiting comes first, since a reminder gives these a new due date.
    """
    statement = select(Ticket).where(Ticket.state == "open", _in_region(staff), ~_concerns(db, staff))
    statement = statement.where(Ticket.urgent == urgent)
    moment = Ticket.opened_at if urgent else Ticket.due_at
    if after:
        last, number = after
        statement = statement.where(or_(moment > last, (moment == last) & (Ticket.id > number)))
    return list(db.scalars(statement.order_by(moment, Ticket.id).limit(most)))


def read_ticket(
    db: Session, staff: Staff, number: int, now: datetime, until: int | None = None
) -> tuple[Ticket, list[TicketMessage]]:
    """Return a locked ticket and its newest MOST_READ messages, the oldest first, and record the reading in the access
    log. ``until``: the id of the last message wanted; None: the newest.

    Raises NoSuchTicket, OutsideRegion or HasConflict.
    """
    ticket = _lock_ticket(db, staff, number, now)
    owner = db.scalar(select(Conversation.user_id).where(Conversation.id == ticket.conversation_id))
    record_reading(
        db,
        at=now,
        actor=staff.actor.name,
        subject="ticket",
        subject_id=number,
        purpose="ticket",
        about=owner,
    )
    said = select(TicketMessage).where(TicketMessage.ticket_id == number)
    if until is not None:
        said = said.where(TicketMessage.id <= until)
    newest = db.scalars(said.order_by(TicketMessage.id.desc()).limit(MOST_READ))
    return ticket, list(newest)[::-1]


def contact_of(db: Session, ticket: Ticket) -> dict[str, str | None]:
    """Return ``name``, ``phone`` and ``place`` of who is in danger, as far as they are known.

    The caller has read the ticket with ``read_ticket``, which records the reading.
    """
    user_id = db.scalar(select(Conversation.user_id).where(Conversation.id == ticket.conversation_id))
    user = db.get(User, user_id) if user_id else None
    region = db.get(Region, user.region_code) if user and user.region_code else None
    return {
        "name": user.name if user else None,
        "phone": user.phone if user else None,
        "place": region.full_name if region else None,
    }


def answer_ticket(db: Session, staff: Staff, number: int, words: str, now: datetime) -> None:
    """Keep the answer and notify the person, whose turn it is then. Locks the ticket.

    It may be answered again until it is closed, and as far as models.support.ticket allows.
    Raises NoSuchTicket, OutsideRegion, HasConflict, AnswerMissing or AnswerTooLong.
    """
    ticket = _lock_ticket(db, staff, number, now)
    if not words:
        raise AnswerMissing(number=number)
    length = max(len(words), -(-len(words.encode()) // 3))
    if length > LONGEST_ANSWER:
        raise AnswerTooLong(number=number, length=length, most=LONGEST_ANSWER)
    message = add_message(db, number, staff.actor.name, words, now)
    ticket.state, ticket.answered_at, ticket.closed_at = "answered", now, None
    db.flush()
    values = {"number": number, "words": words}
    notify(
        db,
        ticket.conversation_id,
        "ticket_answered",
        values,
        f"ticket_answered:{number}:{message}",
        now,
        ("ticket", number),
    )


def end_ticket(db: Session, staff: Staff, number: int, helpline: str, now: datetime) -> None:
    """Close an answered ticket, and notify the person. Locks the ticket.

    ``helpline``: the number to call that a person who was in danger is told.

    Raises NoSuchTicket, OutsideRegion, HasConflict or TicketWaits.
    """
    ticket = _lock_ticket(db, staff, number, now)
    if ticket.state == "closed":
        raise NoSuchTicket(number=number)
    if ticket.state == "open":
        raise TicketWaits(number=number)
    _end(db, ticket, now, talk=helpline if ticket.urgent else None)


def close_quiet_tickets(db: Session, now: datetime) -> int:
    """Close tickets in which the person has been silent since the last answer, and tell them. Returns how many.

    An urgent one is closed by an officer alone.
    """
    quiet = select(Ticket).where(
        Ticket.state == "answered", Ticket.answered_at <= now - QUIET_LASTS, Ticket.urgent.is_(False)
    )
    found = db.scalars(quiet.order_by(Ticket.answered_at).limit(_BATCH).with_for_update(skip_locked=True)).all()
    for ticket in found:
        _end(db, ticket, now, days=QUIET_LASTS.days)
    return len(found)


def _end(db: Session, ticket: Ticket, now: datetime, *, days: int | None = None, talk: str | None = None) -> None:
    close_ticket(db, ticket.id, now)
    key = f"ticket_ended:{ticket.id}:{now.timestamp()}"
    facts = {"number": ticket.id, "days": days, "talk": talk}
    notify(db, ticket.conversation_id, "ticket_ended", facts, key, now, ("ticket", ticket.id))


def _lock_ticket(db: Session, staff: Staff, number: int, now: datetime) -> Ticket:
    """Lock and return a ticket that this officer may answer. Raises NoSuchTicket, OutsideRegion or HasConflict."""
    ticket = lock_ticket(db, number)
    if ticket is None or not ticket.may_be_answered(now):
        raise NoSuchTicket(number=number)
    if db.scalar(select(Ticket.id).where(Ticket.id == number, _in_region(staff))) is None:
        region = db.get_one(Region, staff.region_code).full_name
        raise OutsideRegion(subject="ticket", number=number, region=region)
    if db.scalar(select(Ticket.id).where(Ticket.id == number, _concerns(db, staff))) is not None:
        raise HasConflict(subject="ticket", number=number, reason="decided_before")
    return ticket


def _concerns(db: Session, staff: Staff) -> ColumnElement[bool]:
    """Match what this officer, in any seat, is concerned in (models.support.concerned), and what they wrote themselves.

    Another officer has to answer it.
    """
    seats = all_seats_of(db, [staff.id])
    parts: list[ColumnElement[bool]] = [Ticket.about.in_(kept_from(db, seats))]
    for prefix, subject, concerned in (
        ("", "case", refusers),
        ("", "appeal", refusers),
        ("report:", "case", deciders),
        ("report:", "appeal", deciders),
    ):
        start = f"{prefix}{subject}:"
        # CASE, because PostgreSQL may read the number before it has looked at the words before it.
        number = case((Ticket.about.startswith(start), cast(func.substr(Ticket.about, len(start) + 1), BigInteger)))
        parts += [part.where(part.selected_columns[0].in_(seats)).exists() for part in concerned(subject, number)]
    own = select(Conversation.id).join(Staff, SAME_WECHAT).where(Staff.id.in_(seats))
    return or_(Ticket.about.is_not(None) & or_(*parts), Ticket.conversation_id.in_(own))


def _in_region(staff: Staff) -> ColumnElement[bool]:
    """Match tickets of the officer's region, and for a county those without a region. A fund holder has none."""
    if staff.role == By.FUND_HOLDER:
        return false()
    own = covered_by(staff, Ticket.region_code)
    return or_(own, Ticket.region_code.is_(None)) if staff.role == By.COUNTY else own
