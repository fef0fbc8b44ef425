"""Move jobs that failed as often as they may from Redis into the database; replay or drop them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from rq.exceptions import NoSuchJobError
from rq.job import Job as Queued
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.work.job import Named
from bot.work.jobs import JOBS
from bot.work.queues import JobQueues
from models.upkeep.dead_job import DeadJob, open_dead

log = structlog.get_logger()

# At most so many jobs are moved at once.
MOST = 200


def bury(db: Session, jobs: JobQueues, now: datetime) -> list[Queued]:
    """Keep the jobs that Redis holds as failed for good; call ``forget`` after the commit. Raises RedisError.

    The same job that died twice is one row, so that a replay runs it once.
    """
    found = [job for queue in jobs.queues.values() for job in _failed(jobs, queue.name)][:MOST]
    for job in found:
        name = str(job.func_name)
        argument = json.dumps(job.args[0])
        tries = (JOBS[name].tries if name in JOBS else 1) - (job.retries_left or 0)
        same = (DeadJob.name == name) & (DeadJob.argument == argument) & DeadJob.settled_at.is_(None)
        known = db.scalars(select(DeadJob).where(same)).first()
        if known is None:
            known = DeadJob(name=name, argument=argument)
            db.add(known)
        known.error, known.tries, known.died_at = _error_of(job)[:200], tries, now
        db.flush()
        log.error("job.dead", job=name, error=known.error, dead_job=known.id)
    return found


def forget(dead: Iterable[Queued]) -> None:
    """Delete the jobs from Redis. Raises RedisError; then ``bury`` keeps them again in the same rows."""
    for job in dead:
        job.delete()


@dataclass(frozen=True, slots=True)
class NoSuchDeadJob(Exception):
    """No open dead job has these ``ids``."""

    ids: tuple[int, ...]


def replay(db: Session, jobs: JobQueues, ids: Sequence[int] | None, now: datetime) -> int:
    """Enqueue these dead jobs (None: all) as new jobs, and return how many.

    Raises NoSuchDeadJob or RedisError, and then does nothing. A job may safely run twice, so it is enqueued before its
    row is settled.
    """
    chosen = _choose(db, ids)
    named: list[Named] = [(one.name, json.loads(one.argument)) for one in chosen]
    jobs.put(named)
    return _settle(db, chosen, now)


def drop(db: Session, ids: Sequence[int] | None, now: datetime) -> int:
    """Settle these dead jobs (None: all) without running them, and return how many. Raises NoSuchDeadJob."""
    return _settle(db, _choose(db, ids), now)


def _choose(db: Session, ids: Sequence[int] | None) -> list[DeadJob]:
    there = open_dead(db)
    if ids is None:
        return list(there)
    if missing := tuple(sorted(set(ids) - {one.id for one in there})):
        raise NoSuchDeadJob(missing)
    return [one for one in there if one.id in ids]


def _settle(db: Session, chosen: Sequence[DeadJob], now: datetime) -> int:
    db.execute(update(DeadJob).where(DeadJob.id.in_([one.id for one in chosen])).values(settled_at=now))
    return len(chosen)


def _failed(jobs: JobQueues, queue: str) -> list[Queued]:
    registry = jobs.queues[queue].failed_job_registry
    found = []
    for job_id in registry.get_job_ids(0, MOST - 1):
        try:
            found.append(Queued.fetch(job_id, connection=jobs.redis, serializer=registry.serializer))
        except NoSuchJobError:
            registry.remove(job_id)
    return found


def _error_of(job: Queued) -> str:
    """Return the job's last error as the worker kept it (bot.work.workers), or ``unknown``."""
    result = job.latest_result()
    return (result.exc_string if result else None) or "unknown"
