"""Move jobs that failed as often as they may from Redis into the database; replay or drop them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from rq.exceptions import NoSuchJobError
from rq.job import JobStatus
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.work.failure import read_failure, results_key
from bot.work.job import Named
from bot.work.jobs import JOBS
from bot.work.queues import JobQueues
from bot.work.rq_queue import JobQueue, QueuedJob
from bot.work.stored_job import fits, read_id
from models.upkeep.dead_job import DeadJob, open_dead

log = structlog.get_logger()

# At most so many jobs are moved at once.
MOST = 200
# The row of all malformed jobs together; it keeps nothing of what they were, and there is nothing to replay.
MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Failed:
    """An entry of a queue's failed jobs, as Redis holds it: it may be no id at all."""

    queue: JobQueue
    entry: bytes


def bury(db: Session, jobs: JobQueues, now: datetime) -> list[Failed]:
    """Keep the jobs that Redis holds as failed for good; call ``forget`` after the commit. Raises RedisError.

    Each is judged by itself. The same job that died twice is one row, so that a replay runs it once; so are all
    malformed ones.
    """
    found = [failed for queue in jobs.queues.values() for failed in _failed(queue)][:MOST]
    for failed in found:
        job = _read(failed)
        if job is None:
            log.warning("job.dropped", queue=failed.queue.name)
        elif job.malformed:
            _keep(db, (MALFORMED, "null"), f"{MALFORMED}: {job.malformed}", 1, now)
        else:
            name = str(job.func_name)
            tries = JOBS[name].tries - (job.retries_left or 0)
            _keep(db, (name, json.dumps(job.args[0])), read_failure(job), tries, now)
    return found


def forget(dead: Iterable[Failed]) -> None:
    """Delete the jobs from Redis. Raises RedisError; then ``bury`` keeps them again in the same rows."""
    for failed in dead:
        with failed.queue.connection.pipeline() as pipeline:
            pipeline.zrem(failed.queue.failed_job_registry.key, failed.entry)
            job = _read(failed)
            if job is not None:
                pipeline.delete(job.key, job.execution_registry.key, results_key(job))
            pipeline.execute()


def _failed(queue: JobQueue) -> list[Failed]:
    registry = queue.failed_job_registry
    registry.cleanup()
    entries: Any = queue.connection.zrange(registry.key, 0, MOST - 1)
    return [Failed(queue, entry) for entry in entries]


def _read(failed: Failed) -> QueuedJob | None:
    """Return the failed job, malformed or not; None where this is no id, or that of a job that has not failed here."""
    job_id = read_id(failed.entry)
    try:
        job = QueuedJob.fetch(job_id, failed.queue.connection) if job_id else None
    except NoSuchJobError:
        return None
    if job is None or job.malformed:
        return job
    here = job.origin == failed.queue.name and job.get_status(refresh=False) == JobStatus.FAILED
    return job if here else None


def _keep(db: Session, job: tuple[str, str], error: str, tries: int, now: datetime) -> None:
    name, argument = job
    same = (DeadJob.name == name) & (DeadJob.argument == argument) & DeadJob.settled_at.is_(None)
    known = db.scalars(select(DeadJob).where(same)).first()
    if known is None:
        known = DeadJob(name=name, argument=argument)
        db.add(known)
    known.error, known.tries, known.died_at = error[:200], tries, now
    db.flush()
    log.error("job.dead", job=name, error=known.error, dead_job=known.id)


@dataclass(frozen=True, slots=True)
class NoSuchDeadJob(Exception):
    """No open dead job has these ``ids``."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CannotReplay(Exception):
    """The dead jobs with these ``ids`` are none of the table: malformed, or of a release that had other jobs."""

    ids: tuple[int, ...]


def replay(db: Session, jobs: JobQueues, ids: Sequence[int] | None, now: datetime) -> int:
    """Enqueue these dead jobs (None: all that can be run again) as new jobs, and return how many.

    Raises NoSuchDeadJob, CannotReplay or RedisError, and then does nothing. A job may safely run twice, so it is
    enqueued before its row is settled.
    """
    chosen = _choose(db, ids)
    sound = [one for one in chosen if fits(one.name, json.loads(one.argument))]
    if ids is not None and len(sound) < len(chosen):
        raise CannotReplay(tuple(one.id for one in chosen if one not in sound))
    named: list[Named] = [(one.name, json.loads(one.argument)) for one in sound]
    jobs.put(named)
    return _settle(db, sound, now)


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
