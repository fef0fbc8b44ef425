"""Define state machines: which moves exist, who may make them, and the audit event of each move."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.refusal import Refusal


class By(StrEnum):
    """The capacity in which a person or the system changes a thing's state."""

    SYSTEM = "system"
    OWNER = "owner"
    VILLAGE = "village"
    TOWNSHIP = "township"
    COUNTY = "county"
    KEEPER = "keeper"
    FUND_HOLDER = "fund_holder"


class WrongState(Refusal):
    """The thing's present state has no such move."""

    code = "wrong_state"


class NotYours(Refusal):
    """The move exists, but this person may not make it."""

    code = "not_yours"


class Stateful(Protocol):
    @property
    def id(self) -> Any: ...

    state: Any


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a move. ``name`` as the audit trail keeps it: ``system``, ``user:7``, ``staff:3``."""

    by: By
    name: str

    @classmethod
    def owner(cls, user_id: int | None) -> "Actor":
        """Make the actor of a registered person who moves what is their own."""
        return cls(By.OWNER, f"user:{user_id}")


SYSTEM = Actor(By.SYSTEM, "system")


@dataclass(frozen=True)
class Machine:
    """The moves of one kind of thing. ``moves``: (from, to) -> who may; a move that is not listed is refused.

    ``then``: state -> a function to call after every move to it, with the thing's id and the state. An upper room
    connects its own by a hook (models.core.hooks).
    """

    subject: str
    moves: Mapping[tuple[str, str], frozenset[By]]
    then: Mapping[str, Callable[[Session, int, str, datetime], None]] = field(default_factory=dict)

    @property
    def states(self) -> frozenset[str]:
        return frozenset(state for move in self.moves for state in move)

    @property
    def sources(self) -> frozenset[str]:
        """The states that have a move out of them."""
        return frozenset(source for source, _ in self.moves)

    def check(self, source: str, to: str, actor: Actor) -> None:
        """Raises WrongState where there is no such move, and NotYours where the actor may not make it."""
        allowed = self.moves.get((source, to))
        if allowed is None:
            raise WrongState(subject=self.subject, state=source, wanted=to)
        if actor.by not in allowed:
            raise NotYours(subject=self.subject, state=source)

    def move(
        self, db: Session, thing: Stateful, to: str, actor: Actor, now: datetime, detail: str | None = None
    ) -> None:
        """Change the state, record the audit event and call ``then``. Raises WrongState or NotYours."""
        source = thing.state
        self.check(source, to, actor)
        thing.state = to
        record(
            db,
            at=now,
            actor=actor.name,
            action="moved",
            subject=self.subject,
            subject_id=thing.id,
            from_state=source,
            to_state=to,
            detail=detail,
        )
        if to in self.then:
            self.then[to](db, thing.id, to, now)
