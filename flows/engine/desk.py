"""What a handler or a flow's ``done`` works with: the open transaction, the world, and who is talking."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.orm import Session as Database

from flows.engine.world import World
from models.notifications.notification import TOLD


@dataclass(frozen=True, slots=True)
class Person:
    """Who is talking. ``user_id`` is None until they register."""

    conversation_id: int
    account: str
    openid: str
    user_id: int | None


@dataclass(slots=True)
class Desk:
    """``jobs`` are (job name, id) pairs, enqueued after the commit; nothing else may leave a turn.

    ``offered_at``: when a push last put numbered choices in front of the person.
    """

    connection: Connection
    person: Person
    world: World
    jobs: list[tuple[str, int]] = field(default_factory=list)
    offered_at: datetime | None = None
    _db: Database | None = None

    @property
    def db(self) -> Database:
        """The turn's transaction as an ORM session; most turns never need one."""
        if self._db is None:
            self._db = Database(self.connection, join_transaction_mode="rollback_only", expire_on_commit=False)
        return self._db

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All of this, or (when it refuses) nothing of it."""
        jobs = len(self.jobs)
        try:
            with self.db.begin_nested():
                yield
        except BaseException:
            del self.jobs[jobs:]
            raise

    @property
    def told(self) -> list[int]:
        """The notices that this turn owes somebody."""
        return self._db.info.get(TOLD, []) if self._db else []

    def flush(self) -> None:
        if self._db is not None:
            self._db.flush()
            self._db.close()
