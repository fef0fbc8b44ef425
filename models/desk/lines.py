"""List what waits for a seat, as its chat (待办) and its desk show it: tasks and tickets, the most pressing first."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from models.staff.member import Staff
from models.staff.queue import list_queue
from models.staff.task import Task
from models.support.desk import waiting_tickets
from models.support.ticket import Ticket

TICKET = "ticket"
# Of things due at the same moment, tasks come before tickets.
_TASK, _TICKET = 0, 1
# People in danger come before everything else.
_URGENT, _OTHER = 0, 1
_ABOVE_ANY_NUMBER = 2**62


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a line stands in the queue: the page after it begins with the next one."""

    rank: int
    due_at: datetime
    kind: int
    number: int

    def __str__(self) -> str:
        return f"{self.rank},{self.due_at.isoformat()},{self.kind},{self.number}"

    @classmethod
    def read(cls, written: str) -> "Place":
        """Raises ValueError."""
        # A line that was shown before there were urgent tickets has no rank.
        *rank, moment, kind, number = written.split(",")
        due_at = datetime.fromisoformat(moment)
        if due_at.tzinfo is None:
            raise ValueError("a time without a zone")
        return cls(int(rank[0]) if rank else _OTHER, due_at, int(kind), int(number))


@dataclass(frozen=True, slots=True)
class Line:
    place: Place
    thing: Task | Ticket

    @property
    def is_urgent(self) -> bool:
        return self.place.rank == _URGENT

    @property
    def what(self) -> str:
        """The kind of thing: a task's subject, or ``ticket``."""
        return TICKET if isinstance(self.thing, Ticket) else self.thing.subject

    @property
    def number(self) -> int:
        return self.thing.id if isinstance(self.thing, Ticket) else self.thing.subject_id


def list_lines(db: Session, staff: Staff, most: int, after: Place | None = None, what: str = "") -> list[Line]:
    """List the next ``most`` lines of the seat's queue. ``what``: only this kind of thing (``Line.what``)."""
    urgent: list[Ticket] = []
    task_after = ticket_after = None
    with_tickets = what in ("", TICKET)
    if with_tickets and (after is None or after.rank == _URGENT):
        urgent = waiting_tickets(db, staff, most, (after.due_at, after.number) if after else None, urgent=True)
    if after and after.rank != _URGENT:
        # Of things due at the same moment all tasks come first, so after a ticket all of these have been listed.
        task_after = (after.due_at, after.number if after.kind == _TASK else _ABOVE_ANY_NUMBER)
        ticket_after = (after.due_at, after.number if after.kind == _TICKET else 0)
    tasks = [] if what == TICKET else list_queue(db, staff, most, task_after, what)
    tickets = waiting_tickets(db, staff, most, ticket_after) if with_tickets else []
    lines = [Line(Place(_OTHER, task.due_at, _TASK, task.id), task) for task in tasks]
    lines += [Line(Place(_OTHER, ticket.due_at, _TICKET, ticket.id), ticket) for ticket in tickets]
    lines += [Line(Place(_URGENT, ticket.opened_at, _TICKET, ticket.id), ticket) for ticket in urgent]
    return sorted(lines, key=lambda line: line.place)[:most]
