"""Run each scheduled round when it is due, and put failed jobs back into their queues when their retry is due.

Any number of clocks may run, on any number of hosts: one of them takes a round (``models.upkeep.schedule``), and
RQ's own lock lets one process handle the retries; another takes over within a minute.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from redis.exceptions import RedisError
from rq.scheduler import RQScheduler
from rq.serializers import JSONSerializer
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.work.errands import Errands
from bot.work.queues import QUEUES, open_redis
from bot.work.rounds import ROUNDS, Round
from models.upkeep.schedule import Round as Ran
from models.upkeep.schedule import take_round

log = structlog.get_logger()

TICK = 1.0


def utc_now() -> datetime:
    return datetime.now(UTC)


class Clock:
    def __init__(self, errands: Errands, redis_url: str, rounds: dict[str, Round] = ROUNDS) -> None:
        self.errands = errands
        self.rounds = rounds
        self._retries = RQScheduler(
            QUEUES, connection=open_redis(redis_url), logging_level="WARNING", serializer=JSONSerializer
        )
        self._away = False

    def run(self, ending: threading.Event, clock: Callable[[], datetime] = utc_now) -> None:
        """Keep time until ``ending`` is set."""
        while not ending.wait(TICK):
            self.retry()
            self.tick(clock(), ending)
        self.close()

    def close(self) -> None:
        try:
            self._retries.release_locks()  # type: ignore[no-untyped-call]
        except RedisError as error:
            log.warning("clock.lock_not_released", error=type(error).__name__)
        self._retries.connection.close()

    def retry(self) -> None:
        """Enqueue the failed jobs whose retry is due."""
        try:
            self._retries.acquire_locks()  # type: ignore[no-untyped-call]
            if self._retries.acquired_locks:
                self._retries.enqueue_scheduled_jobs()  # type: ignore[no-untyped-call]
        except RedisError as error:
            if not self._away:
                log.warning("clock.redis_away", error=type(error).__name__)
            self._away = True
        else:
            self._away = False

    def tick(self, now: datetime, ending: threading.Event | None = None) -> list[str]:
        """Run the due rounds that this process takes; return their names. A failing one stops no other."""
        done = []
        for name in self._due(now):
            if ending is not None and ending.is_set():
                break
            try:
                if self._take(name, now):
                    done.append(name)
            except RedisError as error:
                log.warning("round.put_off", round=name, error=type(error).__name__)
            except Exception:  # of any kind: the clock must go on; logged
                log.exception("round.failed", round=name)
        return done

    def _due(self, now: datetime) -> list[str]:
        """List the due rounds with one query, so that a tick with nothing due costs no more."""
        try:
            with Session(self.errands.database) as db:
                ran = {row.name: row.ran_at for row in db.execute(select(Ran.name, Ran.ran_at))}
        except SQLAlchemyError as error:
            log.warning("clock.database_away", error=type(error).__name__)
            return []
        return [
            name
            for name, one in self.rounds.items()
            if one.when(now) and (name not in ran or ran[name] <= now - one.every)
        ]

    def _take(self, name: str, now: datetime) -> bool:
        one = self.rounds[name]
        with Session(self.errands.database) as db, db.begin():
            if not take_round(db, name, one.every, now):
                return False
            if one.asks_for:
                self.errands.jobs.put([one.asks_for(now)])
        if one.run:
            one.run(self.errands, now)
        return True
