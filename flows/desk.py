"""What a handler or a flow's ``done`` works with: the open transaction, the world, and who is talking."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection
from sqlalchemy.orm import Session as Database

from flows.world import World


@dataclass(frozen=True, slots=True)
class Person:
    """Who is talking. ``user_id`` is None until they register."""

    conversation_id: int
    account: str
    openid: str
    user_id: int | None


@dataclass(slots=True)
class Desk:
    """``jobs`` are (job name, id) pairs, enqueued after the commit; nothing else may leave a turn."""

    connection: Connection
    person: Person
    world: World
    jobs: list[tuple[str, int]] = field(default_factory=list)
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

    def flush(self) -> None:
        if self._db is not None:
            self._db.flush()
            self._db.close()
