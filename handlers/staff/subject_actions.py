"""Define what the staff's commands do to one kind of thing; each room declares its own as ``ACTIONS``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from flows.engine.flow import Answer
from handlers.routing.talk import Talk
from handlers.staff.seat import parse_reference
from models.appeals.appeal import Appeal
from models.staff.member import Staff
from models.subjects import records_of

# The command to which a line of the queue leads, and the facts that the line shows.
QueueLine = tuple[list[str], dict[str, Any]]


def _no_such_command(*_: Any) -> Answer:
    raise LookupError("no command and no numbered line says this to this kind of thing")


class ReasonedDecision(NamedTuple):
    """A decision that needs a reason: the choice set of its reasons, and the function that decides."""

    reasons: str
    decide: Callable[[Talk, Staff, int, Sequence[str]], Answer]


@dataclass(frozen=True, slots=True)
class SubjectActions:
    """What staff's commands do to a kind of thing. ``show_file`` shows its file to a reader who may see it.

    ``must_read_first`` shows the file where the officer has not read it as it now is; None: they have.
    ``queue_line`` makes its line of the queue; without one the line leads to its file, and names its appeal.
    ``reasoned``: by the names of their commands; ``check`` raises what that would, before it asks for a reason.
    ``kind``: the sort of thing, where its words need it.
    """

    subject: str
    show_file: Callable[..., Answer] = _no_such_command
    queue_line: Callable[[Session, int], QueueLine] | None = None
    must_read_first: Callable[[Talk, str, int], Answer | None] = lambda _talk, _command, _number: None
    approve: Callable[[Talk, int], Answer] = _no_such_command
    resume: Callable[[Talk, int], Answer] = _no_such_command
    reasoned: Mapping[str, ReasonedDecision] = field(default_factory=dict)
    check: Callable[[Talk, Staff, str, int], object] = lambda _talk, _staff, _command, _number: None
    kind: Callable[[Session, int], str | None] = lambda _db, _number: None


def has_file(actions: SubjectActions) -> bool:
    """Tell whether things of this kind have a file, which 看 shows."""
    return actions.show_file is not _no_such_command


def actions_for(talk: Talk, reference: str) -> tuple[SubjectActions, int]:
    subject, number = parse_reference(reference)
    return talk.actions[subject], number


def appeal_facts(db: Session, subject: str, number: int) -> dict[str, Any]:
    """Return the facts of a queue's line about an appeal, or about the appeal that the thing belongs to."""
    appeal = records_of(db, subject, [number])[number].number
    kind, title = db.execute(select(Appeal.kind, Appeal.title).where(Appeal.id == appeal)).one()
    return {"appeal": appeal, "kind": kind, "title": title}
