"""Remind officers of tickets that nobody has answered, and let all counties see those of a place without officers.

Urgent tickets have reminders of their own (models.support.urgent).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Interval, and_, case, exists, literal, select
from sqlalchemy.orm import Session

from models.core.calendar import day_in_china
from models.core.state_machine import By
from models.notifications.notification import Notification
from models.notifications.notify import NewNotification, notify_each
from models.people.conversation import Conversation
from models.staff.member import SAME_WECHAT, Staff, seats_covering, serving
from models.support.concerned import concerned_in
from models.support.ticket import Ticket

KIND = "ticket_waiting"
# So long before an answer is due its officers are reminded; they are again when it is late.
AHEAD = timedelta(days=1)
# A day after an answer was due nobody is reminded any more; 待办 goes on listing it.
_GIVEN_UP = timedelta(days=1)
# Of the officers of one level, so many are reminded.
_MOST_NOTIFIED = 20
_BATCH = 100


def remind_of_waiting(db: Session, now: datetime) -> int:
    """Notify the officers nearest to a ticket a day before its answer is due, and when it is late. Returns how many.

    A ticket of a place where no officer serves loses its region, so that all counties' officers have it.
    """
    waits = (Ticket.state == "open") & Ticket.urgent.is_(False)
    due = (Ticket.due_at <= now + AHEAD) & (Ticket.due_at > now - _GIVEN_UP)
    found = select(Ticket).where(waits, due, ~_is_notified(now)).order_by(Ticket.due_at, Ticket.id).limit(_BATCH)
    tickets = db.scalars(found.with_for_update(skip_locked=True)).all()
    for ticket in tickets:
        _remind(db, ticket, now)
    db.flush()
    return len(tickets)


def _is_notified(now: datetime) -> ColumnElement[bool]:
    """Match tickets whose officers were notified of this wait, or of its being late."""
    since = case((Ticket.due_at <= now, Ticket.due_at), else_=Ticket.due_at - literal(AHEAD, Interval()))
    about = and_(Notification.subject == "ticket", Notification.subject_id == Ticket.id)
    return exists().where(about, Notification.template == KIND, Notification.created_at >= since)


def _remind(db: Session, ticket: Ticket, now: datetime) -> None:
    officers = _nearest(db, ticket, now)
    if not officers and ticket.region_code is not None:
        ticket.region_code = None
        officers = _nearest(db, ticket, now)
    late = ticket.due_at <= now
    facts = {"number": ticket.id, "due": day_in_china(ticket.due_at), "late": late}
    key = f"{KIND}:{ticket.id}:{ticket.due_at.timestamp()}:{late}"
    told = [each for each in officers if each is not None]
    new = [NewNotification(each, ticket.id, facts, f"{key}:{each}") for each in told]
    notify_each(db, KIND, "ticket", new, now)


def _nearest(db: Session, ticket: Ticket, now: datetime) -> Sequence[int | None]:
    """List the conversations of the officers of the lowest level who may answer; None for one who never wrote."""
    barred = concerned_in(db, ticket.about)
    others = (Conversation.id != ticket.conversation_id) | Conversation.id.is_(None)
    seats = select(Conversation.id).select_from(Staff).outerjoin(Conversation, SAME_WECHAT)
    seats = seats.where(serving(now), Staff.id.not_in(barred), others).order_by(Staff.id).limit(_MOST_NOTIFIED)
    region = ticket.region_code
    if region is None:
        return db.scalars(seats.where(Staff.role == By.COUNTY)).all()
    for role in (By.VILLAGE, By.TOWNSHIP, By.COUNTY):
        found = db.scalars(seats.where(Staff.role == role, seats_covering(region, role))).all()
        if found:
            return found
    return []
