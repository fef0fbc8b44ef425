"""List the queue of a staff member (待办): tasks and tickets by due date, five at a time."""

from typing import Any

from flows.engine.flow import Answer
from flows.engine.session import Option
from handlers.routing.answers import labels, one_page
from handlers.routing.dispatch import run_command
from handlers.routing.talk import Talk
from handlers.staff.seat import staff_of
from handlers.staff.subject_actions import appeal_facts
from models.core.state_machine import By
from models.desk.lines import Line, Place, list_lines
from models.goods.points.board import waiting_in_place
from models.notifications.notification import mark_seen
from models.places.region import Region
from models.staff.notification_kinds import QUEUE_KINDS
from models.staff.task import Task, conflict_in
from models.support.introduction import topic_of_ticket
from models.support.ticket import Ticket

PAGE = 5


def todo(talk: Talk, after: str = "") -> Answer:
    """List one page of the queue. A number leads to the thing's file, from which one more number decides.

    A keeper decides nothing: theirs is the point. A village officer's first page says what waits at the points.
    """
    staff, now = staff_of(talk), talk.world.now
    if staff.role == By.KEEPER:
        return run_command(talk, "points", [])
    mark_seen(talk.turn.db, talk.turn.person.conversation_id, QUEUE_KINDS, now)
    lines = list_lines(talk.turn.db, staff, PAGE + 1, Place.read(after) if after else None)
    shown = lines[:PAGE]
    options, values = [], []
    for number, line in enumerate(shown, 1):
        do, facts = _told(talk, line.thing)
        options.append(Option(number, "", ["command", *do]))
        due = line.thing.due_at
        facts |= {"urgent": line.is_urgent, "due": due, "late": due <= now}
        values.append({"number": number, "short": _short(talk, line), **facts})
    unidentified = staff.work_no if staff.id_hash is None else ""
    waiting = waiting_in_place(talk.turn.db, staff) if staff.role == By.VILLAGE and not after else None
    if waiting:
        options.append(Option(len(options) + 1, "", ["command", "points"]))
    facts = {"lines": values, "labels": labels(talk.world.lexicon, "appeal_kind"), "unidentified": unidentified}
    facts |= {"waiting": waiting, "at_points": len(options)}
    turn = ["todo", str(shown[-1].place)] if len(lines) > PAGE else None
    return one_page(talk, "replies/staff/todo", facts, options, turn)


def _short(talk: Talk, line: Line) -> bool:
    """Tell whether a pool task has no possible holder: this officer has a conflict too."""
    task = line.thing
    if isinstance(task, Ticket) or task.assignee is not None:
        return False
    return conflict_in(talk.turn.db, staff_of(talk), task) is not None


def _told(talk: Talk, thing: Task | Ticket) -> tuple[list[str], dict[str, Any]]:
    """Return the command of a line's number, and the facts that the line shows."""
    db = talk.turn.db
    if isinstance(thing, Ticket):
        facts = {"what": "ticket", "id": thing.id, "topic": topic_of_ticket(db, thing)}
        return ["view_ticket", str(thing.id)], facts
    place = db.get_one(Region, thing.region_code).name
    facts = {"what": thing.subject, "id": thing.subject_id, "step": thing.step, "place": place}
    line = talk.actions[thing.subject].queue_line
    if line is None:
        return ["look", f"{thing.subject}:{thing.subject_id}"], facts | appeal_facts(
            db, thing.subject, thing.subject_id
        )
    do, more = line(db, thing.subject_id)
    return do, facts | more
