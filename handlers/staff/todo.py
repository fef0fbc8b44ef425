"""待办: one queue of everything that waits for this member of staff, what is due first first, five at a time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.public.catalogue import labels, more
from handlers.routing.talk import Talk
from handlers.staff.seat import staff_of
from models.appeals.appeal import Appeal
from models.appeals.revision import Revision
from models.disbursements.disbursement import Disbursement
from models.donors.message import GiftMessage
from models.donors.receipt import Receipt
from models.notifications.notification import mark_seen
from models.outreach.update import Update
from models.payments.order import SuspenseItem
from models.payments.refund import Refund
from models.places.region import Region
from models.staff.member import Staff
from models.staff.queue import waiting
from models.staff.task import Task, part_in
from models.staff.task_notices import QUEUE_NEWS
from models.support.desk import ANSWERED_WITHIN, waiting_tickets
from models.support.introduction import matter_of
from models.support.ticket import Ticket
from models.treasury.discrepancy import Discrepancy

PAGE = 5
# Of two that are due at one moment, tasks come before calls for a person.
_TASK, _TICKET = 0, 1
_Place = tuple[datetime, int, int]


@dataclass(frozen=True, slots=True)
class _Line:
    place: _Place
    thing: Task | Ticket


def todo(talk: Talk, after: str = "") -> Answer:
    """Each number leads to the thing itself, from where it is decided on with one more."""
    staff, now = staff_of(talk), talk.world.now
    mark_seen(talk.desk.db, talk.desk.person.conversation_id, QUEUE_NEWS, now)
    lines = _lines(talk.desk.db, staff, _parse(after) if after else None)
    shown = lines[:PAGE]
    options, values = [], []
    for number, line in enumerate(shown, 1):
        do, facts = _told(talk.desk.db, line.thing)
        options.append(Option(number, "", ["command", *do]))
        late = line.place[0] <= now
        values.append({"number": number, "due": line.place[0], "late": late, "short": _short(talk, line), **facts})
    if len(lines) > PAGE:
        options += more(talk, PAGE + 1, "todo", _format(shown[-1].place))
    facts = {
        "lines": values,
        "more": PAGE + 1 if len(lines) > PAGE else None,
        "labels": labels(talk.world.lexicon, "appeal_kind"),
    }
    return Answer([Say("replies/staff/todo", None, facts)], options)


def _short(talk: Talk, line: _Line) -> bool:
    """Nobody is there who may do it: this one has a part in it too."""
    task = line.thing
    if isinstance(task, Ticket) or task.assignee is not None:
        return False
    return part_in(talk.desk.db, staff_of(talk), task) is not None


def _lines(db: Session, staff: Staff, after: _Place | None) -> list[_Line]:
    """One more than a page."""
    task_after = ticket_after = None
    if after:
        due_at, kind, number = after
        # What is due at the same moment: all tasks come first, so beside a ticket every one of them has been seen.
        task_after = (due_at, number if kind == _TASK else 2**62)
        ticket_after = (due_at - ANSWERED_WITHIN, number if kind == _TICKET else 0)
    tasks = waiting(db, staff, PAGE + 1, task_after)
    tickets = waiting_tickets(db, staff, PAGE + 1, ticket_after)
    lines = [_Line((task.due_at, _TASK, task.id), task) for task in tasks]
    lines += [_Line((ticket.opened_at + ANSWERED_WITHIN, _TICKET, ticket.id), ticket) for ticket in tickets]
    return sorted(lines, key=lambda line: line.place)[: PAGE + 1]


def _told(db: Session, thing: Task | Ticket) -> tuple[list[str], dict[str, Any]]:
    """The command that a line's number means, and what the line says."""
    if isinstance(thing, Ticket):
        facts = {"what": "ticket", "id": thing.id, "matter": matter_of(db, thing)}
        return ["view_ticket", str(thing.id)], facts
    place = db.get_one(Region, thing.region_code).name
    facts = {"what": thing.subject, "id": thing.subject_id, "step": thing.step, "place": place}
    if thing.subject == "case":
        return ["look", f"case:{thing.subject_id}"], facts
    number = thing.subject_id
    if thing.subject == "suspense_item":
        return ["view_stray", str(number)], {**facts, "amount_fen": db.get_one(SuspenseItem, number).amount_fen}
    if thing.subject == "revision":
        number = db.get_one(Revision, number).appeal_id
    if thing.subject == "discrepancy":
        day = db.get_one(Discrepancy, number).day
        return ["more_discrepancies", "0", day.isoformat()], {**facts, "day": day}
    if thing.subject == "receipt":
        number = db.get_one(Receipt, number).appeal_id
    if thing.subject == "refund":
        number = db.get_one(Refund, number).appeal_id
    if thing.subject == "disbursement":
        number = db.get_one(Disbursement, number).appeal_id
    if thing.subject == "message":
        number = db.get_one(GiftMessage, number).appeal_id
    if thing.subject == "update":
        number = db.get_one(Update, number).appeal_id
    kind, title = db.execute(select(Appeal.kind, Appeal.title).where(Appeal.id == number)).one()
    facts |= {"appeal": number, "kind": kind, "title": title}
    if thing.subject == "receipt":
        return ["view_receipt", str(thing.subject_id)], facts
    return ["look", f"{thing.subject}:{thing.subject_id}"], facts


def _format(place: _Place) -> str:
    return f"{place[0].isoformat()},{place[1]},{place[2]}"


def _parse(text: str) -> _Place:
    moment, kind, number = text.split(",")
    return datetime.fromisoformat(moment), int(kind), int(number)
