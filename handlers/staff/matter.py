"""What officers may say to one kind of thing: each room declares its own, and handlers.routing.matters lists them."""

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

# The command that a line of the queue leads to, and what the line says of the thing.
Line = tuple[list[str], dict[str, Any]]


def _unsaid(*_: Any) -> Answer:
    raise LookupError("no command and no numbered line says this to this kind of thing")


class No(NamedTuple):
    """From which list a command that says no takes its reasons, and what it does then."""

    reasons: str
    decide: Callable[[Talk, Staff, int, Sequence[str]], Answer]


@dataclass(frozen=True, slots=True)
class Matter:
    """``look`` shows it to who may see it; ``look_first`` does so where they have not seen what they now decide on.

    ``line``: where its line of the queue leads, and what it says; without one, to the look, and of which appeal it is.
    ``noes``: by their commands; ``check`` raises what such a command would, before anybody is asked why.
    ``kind``: which sort of thing it is, where its words say so.
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
    """What a line says of an appeal, or of the appeal that this is a part of."""
    appeal = wholes_of(db, subject, [number])[number].number
    kind, title = db.execute(select(Appeal.kind, Appeal.title).where(Appeal.id == appeal)).one()
    return {"appeal": appeal, "kind": kind, "title": title}
