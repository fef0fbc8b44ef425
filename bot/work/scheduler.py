"""Run each entry of the schedule when it is due, and put failed jobs back into their queues when their retry is due.

Any number of schedulers may run, on any number of hosts: one of them claims a run (``models.upkeep.schedule``), and
RQ's own lock lets one process handle the retries; another takes over within a minute.
"""

import threading
from datetime import datetime

import structlog
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.work.context import WorkerContext
from bot.work.redis_client import open_redis
from bot.work.retries import Retries
from bot.work.schedule import SCHEDULE, Scheduled
from models.upkeep.schedule import LastRun, claim_run

log = structlog.get_logger()

TICK = 1.0


class Scheduler:
    def __init__(self, context: WorkerContext, redis_url: str, schedule: dict[str, Scheduled] = SCHEDULE) -> None:
        self.context = context
        self.schedule = schedule
        self._retries = Retries(open_redis(redis_url))
        self._away = False

    def run(self, ending: threading.Event) -> None:
        """Run what is due, second by second, until ``ending`` is set."""
        while not ending.wait(TICK):
            self.retry()
            self.tick(self.context.clock(), ending)
        self.close()

    def close(self) -> None:
        try:
            self._retries.release_locks()  # type: ignore[no-untyped-call]
        except RedisError as error:
            log.warning("scheduler.lock_not_released", error=type(error).__name__)
        self._retries.connection.close()

    def retry(self) -> None:
        """Enqueue the failed jobs whose retry is due."""
        try:
            self._retries.acquire_locks()  # type: ignore[no-untyped-call]
            if self._retries.acquired_locks:
                self._retries.enqueue_scheduled_jobs()
        except RedisError as error:
            if not self._away:
                log.warning("scheduler.redis_away", error=type(error).__name__)
            self._away = True
        else:
            self._away = False

    def tick(self, now: datetime, ending: threading.Event | None = None) -> list[str]:
        """Run the due entries that this process claims; return their names. A failing one stops no other."""
        done = []
        for name in self._due(now):
            if ending is not None and ending.is_set():
                break
            try:
                if self._claim(name, now):
                    done.append(name)
            except RedisError as error:
                log.warning("scheduled_run.put_off", run=name, error=type(error).__name__)
            except Exception:  # of any kind: the scheduler must go on; logged
                log.exception("scheduled_run.failed", run=name)
        return done

    def _due(self, now: datetime) -> list[str]:
        """List the due entries with one query, so that a tick with nothing due costs no more."""
        try:
            with Session(self.context.database) as db:
                ran = {row.name: row.ran_at for row in db.execute(select(LastRun.name, LastRun.ran_at))}
        except SQLAlchemyError as error:
            log.warning("scheduler.database_away", error=type(error).__name__)
            return []
        return [
            name
            for name, entry in self.schedule.items()
            if entry.when(now) and ((key := self._key(name)) not in ran or abs(now - ran[key]) >= entry.every)
        ]

    def _key(self, name: str) -> str:
        """Return the name under which the entry's last run is kept."""
        account = self.context.settings.wechat_account
        return f"{name} {account}" if account and self.schedule[name].of_account else name

    def _claim(self, name: str, now: datetime) -> bool:
        """Run an entry, or enqueue its job, unless another process claimed this run."""
        entry = self.schedule[name]
        with Session(self.context.database) as db, db.begin():
            if not claim_run(db, self._key(name), entry.every, now):
                return False
            if entry.enqueues:
                self.context.jobs.put([entry.enqueues(now)])
        if entry.run:
            entry.run(self.context, now)
        return True
