"""Define what the staff's commands do to one kind of thing; each room declares its own for handlers.routing.matters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from flows.engine.flow import Answer
from handlers.routing.talk import Talk
from handlers.staff.seat import parse
from models.appeals.appeal import Appeal
from models.staff.member import Staff
from models.subjects import wholes_of

# The command to which a line of the queue leads, and the facts that the line shows.
Line = tuple[list[str], dict[str, Any]]


def _unsaid(*_: Any) -> Answer:
    raise LookupError("no command and no numbered line says this to this kind of thing")


class No(NamedTuple):
    """A command that says no: the choice set of its reasons, and the function that decides."""

    reasons: str
    decide: Callable[[Talk, Staff, int, Sequence[str]], Answer]


@dataclass(frozen=True, slots=True)
class Matter:
    """What staff's commands do to a kind of thing. ``look`` shows its file to a reader who may see it.

    ``look_first`` shows the file where the officer has not read it as it now is; None: they have.
    ``line`` makes its line of the queue; without one the line leads to ``look``, and names its appeal.
    ``noes``: by the names of their commands; ``check`` raises what such a command would, before reasons are asked for.
    ``kind``: the sort of thing, where its words need it.
    """

    subject: str
    look: Callable[..., Answer] = _unsaid
    line: Callable[[Session, int], Line] | None = None
    look_first: Callable[[Talk, str, int], Answer | None] = lambda _talk, _command, _number: None
    approve: Callable[[Talk, int], Answer] = _unsaid
    go_on: Callable[[Talk, int], Answer] = _unsaid
    noes: Mapping[str, No] = field(default_factory=dict)
    check: Callable[[Talk, Staff, str, int], object] = lambda _talk, _staff, _command, _number: None
    kind: Callable[[Session, int], str | None] = lambda _db, _number: None


def matter_in(talk: Talk, reference: str) -> tuple[Matter, int]:
    subject, number = parse(reference)
    return talk.matters[subject], number


def of_appeal(db: Session, subject: str, number: int) -> dict[str, Any]:
    """Return the facts of a queue's line about an appeal, or about the appeal that the thing belongs to."""
    appeal = wholes_of(db, subject, [number])[number].number
    kind, title = db.execute(select(Appeal.kind, Appeal.title).where(Appeal.id == appeal)).one()
    return {"appeal": appeal, "kind": kind, "title": title}
