"""What staff do about appeals and tickets: what waits for whom, one step forward, and whom they may look at.

Everything here is bounded by the staff member's own region and role.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.appeal import MACHINE, Appeal, BudgetLine, NoSuchAppeal, OwnHousehold, publish
from models.audit import record
from models.conversation import Conversation
from models.errors import Refusal
from models.machine import By
from models.notice import tell
from models.region import Region, prefix
from models.staff import Staff
from models.ticket import NoSuchTicket, Ticket, TicketMessage, add_words, close_ticket
from models.user import User

MOST_WAITING = 5
# Characters of three bytes, a longer one counts more: it has to fit into one message to the person whole.
LONGEST_ANSWER = 500

# The states from which a role moves an appeal on. A township samples and sends back; it does not pass.
STAGES: dict[str, tuple[str, ...]] = {
    By.VILLAGE: ("submitted", "village_review"),
    By.COUNTY: ("endorsed",),
    By.FUND_HOLDER: ("county_review",),
}
# What each role turns them into, one move after the other.
_STEPS: dict[str, tuple[str, ...]] = {
    By.VILLAGE: ("village_review", "endorsed"),
    By.COUNTY: ("county_review",),
    By.FUND_HOLDER: ("fund_holder_filed",),
}


class OutsideRegion(Refusal):
    """``number`` of the appeal or ticket, ``region``: the names of the staff member's own."""

    code = "outside_region"


class NotAtYourStage(Refusal):
    """The appeal waits for somebody else, or has been decided: ``state`` is where it stands."""

    code = "not_at_your_stage"


class DeadlinePassed(Refusal):
    """The day by which the money was wanted went by during review."""

    code = "deadline_passed"


class AnswerMissing(Refusal):
    """The ticket's number was there, the words were not."""

    code = "answer_missing"


class AnswerTooLong(Refusal):
    code = "answer_too_long"


@dataclass(frozen=True, slots=True)
class Case:
    """An appeal as its reviewers see it. ``name`` and ``phone`` are the owner's; ``own``: of the reader's household."""

    number: int
    kind: str
    category: str
    title: str
    story: str
    place: str
    target_fen: int
    budget: Sequence[tuple[str, int]]
    deadline: datetime
    state: str
    name: str | None
    phone: str | None
    hidden: bool
    own: bool


def waiting_appeals(db: Session, staff: Staff, now: datetime) -> list[Appeal]:
    """The oldest appeals of the region that this role has to decide on and still can."""
    statement = (
        select(Appeal)
        .where(Appeal.deadline > now)
        .where(Appeal.state.in_(STAGES.get(staff.role, ())), _within(staff, Appeal.region_code))
        .order_by(Appeal.id)
    )
    return list(db.scalars(statement.limit(MOST_WAITING)))


def waiting_tickets(db: Session, staff: Staff) -> list[Ticket]:
    """The oldest open tickets of the region."""
    statement = select(Ticket).where(Ticket.state == "open", _in_care(staff)).order_by(Ticket.id)
    return list(db.scalars(statement.limit(MOST_WAITING)))


def open_case(db: Session, staff: Staff, number: int, user_id: int | None, now: datetime) -> Case | None:
    """What a reviewer needs to know, who asked included; the reading is recorded. None outside the region.

    ``user_id``: the officer's own account here.
    """
    appeal = db.get(Appeal, number)
    if appeal is None or not staff.covers(appeal.region_code):
        return None
    lines = db.scalars(select(BudgetLine).where(BudgetLine.appeal_id == number).order_by(BudgetLine.id))
    owner = db.get_one(User, appeal.owner_id)
    _record_reading(db, staff, "appeal", number, now)
    # A charity is no authority: who asks is its business while it has to decide, and of no other appeal.
    sees_people = staff.role != By.FUND_HOLDER or appeal.state in STAGES[By.FUND_HOLDER]
    return Case(
        number=number,
        kind=appeal.kind,
        category=appeal.category,
        title=appeal.title,
        story=appeal.story,
        place=db.get_one(Region, appeal.region_code).full_name,
        target_fen=appeal.target_fen,
        budget=[(line.item, line.amount_fen) for line in lines],
        deadline=appeal.deadline,
        state=appeal.state,
        name=owner.name if sees_people else None,
        phone=owner.phone if sees_people else None,
        hidden=not sees_people,
        own=appeal.household_id in _households(db, staff, user_id),
    )


def approve(db: Session, staff: Staff, number: int, user_id: int | None, now: datetime) -> Appeal:
    """Move an appeal as far as this role may, and owe its owner the news. ``user_id``: the officer's own account here.

    Raises NoSuchAppeal, OutsideRegion, OwnHousehold, NotAtYourStage or DeadlinePassed.
    """
    appeal = db.get(Appeal, number, with_for_update=True, populate_existing=True)
    if appeal is None:
        raise NoSuchAppeal(number=number)
    if not staff.covers(appeal.region_code):
        raise OutsideRegion(number=number, region=db.get_one(Region, staff.region_code).full_name)
    if appeal.household_id in _households(db, staff, user_id):
        raise OwnHousehold(number=number)
    if appeal.state not in STAGES.get(staff.role, ()):
        raise NotAtYourStage(number=number, title=appeal.title, state=appeal.state)
    if appeal.deadline <= now:
        raise DeadlinePassed(number=number, title=appeal.title, deadline=appeal.deadline)
    _move_on(db, appeal, staff, now)
    _tell_owner(db, appeal, now)
    db.flush()
    return appeal


def read_ticket(db: Session, staff: Staff, number: int, now: datetime) -> tuple[Ticket, list[TicketMessage]]:
    """A ticket and what was said in it, the oldest first; the reading is recorded.

    Raises NoSuchTicket or OutsideRegion.
    """
    ticket = _ticket(db, staff, number, now)
    _record_reading(db, staff, "ticket", number, now)
    said = select(TicketMessage).where(TicketMessage.ticket_id == number).order_by(TicketMessage.id)
    return ticket, list(db.scalars(said))


def answer_ticket(db: Session, staff: Staff, number: int, words: str, now: datetime) -> None:
    """Keep the answer, close the ticket, and owe the person the answer. More may be said where models.ticket allows.

    Raises NoSuchTicket, OutsideRegion, AnswerMissing or AnswerTooLong.
    """
    ticket = _ticket(db, staff, number, now)
    if not words:
        raise AnswerMissing(number=number)
    length = max(len(words), -(-len(words.encode()) // 3))
    if length > LONGEST_ANSWER:
        raise AnswerTooLong(number=number, length=length, most=LONGEST_ANSWER)
    message = add_words(db, number, staff.actor.name, words, now)
    close_ticket(db, number, now)
    values = {"number": number, "words": words}
    tell(db, ticket.conversation_id, "ticket_answered", values, f"ticket_answered:{number}:{message}", now)


def _move_on(db: Session, appeal: Appeal, staff: Staff, now: datetime) -> None:
    for state in _STEPS[staff.role]:
        if state != appeal.state:
            MACHINE.move(db, appeal, state, staff.actor, now)
    if appeal.state == "endorsed":
        appeal.endorsed_by, appeal.endorsed_at = staff.id, now
    if appeal.state == "fund_holder_filed" or (appeal.state == "endorsed" and appeal.kind == "one_to_one"):
        publish(db, appeal, now)


def _tell_owner(db: Session, appeal: Appeal, now: datetime) -> None:
    template = "appeal_opened" if appeal.state == "funding" else "appeal_moved"
    values = {"number": appeal.id, "title": appeal.title, "state": appeal.state}
    key = f"appeal:{appeal.id}:{appeal.state}:{now.timestamp()}"  # it may come to this state more than once
    for conversation in db.scalars(select(Conversation.id).where(Conversation.user_id == appeal.owner_id)):
        tell(db, conversation, template, values, f"{key}:{conversation}", now)


def _ticket(db: Session, staff: Staff, number: int, now: datetime) -> Ticket:
    """A ticket of this staff member's care that may be answered, locked."""
    ticket = db.get(Ticket, number, with_for_update=True, populate_existing=True)
    if ticket is None or not ticket.may_be_answered(now):
        raise NoSuchTicket(number=number)
    if db.scalar(select(Ticket.id).where(Ticket.id == number, _in_care(staff))) is None:
        raise OutsideRegion(number=number, region=db.get_one(Region, staff.region_code).full_name)
    return ticket


def _households(db: Session, staff: Staff, user_id: int | None) -> set[int | None]:
    """The households that this person belongs to, as staff and as somebody who is registered."""
    user = db.get(User, user_id) if user_id else None
    return {staff.household_id, user.household_id if user else None} - {None}


def _within(staff: Staff, region_code: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """``Staff.covers`` as a condition."""
    own: ColumnElement[bool] = region_code.startswith(prefix(staff.region_code))
    return or_(own, region_code == f"{staff.region_code[:9]}000") if staff.role == By.VILLAGE else own


def _in_care(staff: Staff) -> ColumnElement[bool]:
    """Tickets of the region; those of people who never said where they live go to the counties. Never a charity's."""
    if staff.role == By.FUND_HOLDER:
        return false()
    own = _within(staff, Ticket.region_code)
    return or_(own, Ticket.region_code.is_(None)) if staff.role == By.COUNTY else own


def _record_reading(db: Session, staff: Staff, subject: str, number: int, now: datetime) -> None:
    record(
        db,
        at=now,
        actor=staff.actor.name,
        action="read_sensitive",
        subject=subject,
        subject_id=number,
        detail="review",
    )
