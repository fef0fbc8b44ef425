"""The audit trail's links: how each is sealed to the one before, and what a transaction has yet to seal.

The events of a transaction wait on its connection and become links when it
commits (models.audit). So they follow savepoints and rollbacks exactly,
whoever opened them, and a commit cannot pass them by.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, event

# What stands before the first link.
GENESIS = "0" * 64
FIELDS = ("id", "at", "actor", "action", "subject", "subject_id", "from_state", "to_state", "detail", "about")

# Another way of writing an event down gets another name, and says from which link on it holds.
_FORMAT = "bangfu-audit-1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEY = "bangfu_audit"

Values = dict[str, Any]


def link_hash(before: str, link: Mapping[Any, Any]) -> str:
    """SHA-256 over the hash before and all FIELDS, written the same whatever database they come from."""
    values = [link[name] for name in FIELDS]
    values[1] = (link["at"] - _EPOCH) // timedelta(microseconds=1)
    written = json.dumps([_FORMAT, before, *values], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(written.encode("ascii")).hexdigest()


class _Waiting:
    """``marks``: how many events there were when each savepoint that is open was set."""

    __slots__ = ("events", "marks")

    def __init__(self) -> None:
        self.events: list[Values] = []
        self.marks: list[int] = []


def _waiting(connection: Connection) -> _Waiting:
    found: _Waiting = connection.info.setdefault(_KEY, _Waiting())
    return found


def put(connection: Connection, values: Values) -> None:
    """To be sealed when the connection's transaction commits."""
    _waiting(connection).events.append(values)


def take(connection: Connection) -> list[Values]:
    """All that waits, in order; afterwards nothing does."""
    found: _Waiting | None = connection.info.pop(_KEY, None)
    return found.events if found else []


@event.listens_for(Engine, "begin")
@event.listens_for(Engine, "rollback")
def _drop(connection: Connection) -> None:
    # One that was lost has dropped everything, and asking it hides how it was lost.
    if not connection.invalidated:
        connection.info.pop(_KEY, None)


# SQLAlchemy tells a savepoint's name only at its end, but keeps savepoints strictly one inside the other.
@event.listens_for(Engine, "savepoint")
def _mark(connection: Connection, _name: None) -> None:
    found = _waiting(connection)
    found.marks.append(len(found.events))


@event.listens_for(Engine, "release_savepoint")
def _keep(connection: Connection, _name: str, _context: None) -> None:
    if not connection.invalidated:
        _waiting(connection).marks.pop()


@event.listens_for(Engine, "rollback_savepoint")
def _go_back(connection: Connection, _name: str, _context: None) -> None:
    if not connection.invalidated:
        found = _waiting(connection)
        del found.events[found.marks.pop() :]
