"""Give handlers and a flow's ``done`` what they work with: the open transaction, the world, and the person."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.orm import Session as Database

from flows.engine.world import World
from models.notifications.notification import TO_DELIVER


@dataclass(frozen=True, slots=True)
class Person:
    """The person of this turn. ``user_id`` is None until they register."""

    conversation_id: int
    account: str
    openid: str
    user_id: int | None


@dataclass(slots=True)
class TurnContext:
    """``jobs`` are (job name, id) pairs, enqueued after the commit; a turn has no other effect outside the database.

    ``offered_at``: when a push last showed the person numbered choices. ``stoppable``: a request that this turn made,
    for the session to keep (flows.engine.session).
    """

    connection: Connection
    person: Person
    world: World
    jobs: list[tuple[str, int]] = field(default_factory=list)
    offered_at: datetime | None = None
    stoppable: int | None = None
    _db: Database | None = None

    @property
    def db(self) -> Database:
        """The turn's transaction as an ORM session; most turns never need one."""
        if self._db is None:
            self._db = Database(self.connection, join_transaction_mode="rollback_only", expire_on_commit=False)
        return self._db

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Run the block in a savepoint; an exception rolls it back, and drops the jobs that the block added."""
        jobs = len(self.jobs)
        try:
            with self.db.begin_nested():
                yield
        except BaseException:
            del self.jobs[jobs:]
            raise

    @property
    def notified(self) -> list[int]:
        """The ids of the notifications that this turn wrote."""
        return self._db.info.get(TO_DELIVER, []) if self._db else []

    def flush(self) -> None:
        if self._db is not None:
            self._db.flush()
            self._db.close()
