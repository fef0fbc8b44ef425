"""Clean up the queues: recover the jobs of killed workers and jobs lost between queue and worker."""

import re
from datetime import datetime, timedelta
from typing import Any

import structlog
from rq.job import JobStatus
from rq.worker_registration import clean_worker_registry

from bot.work.queues import JobQueues
from bot.work.rq_queue import JobQueue
from bot.work.stored_job import read_id

log = structlog.get_logger()

# A job that a worker took and has not begun for this long is lost; it lies in RQ's intermediate queue.
LOST_AFTER = timedelta(seconds=20)

# A job that runs, as RQ notes it: the job's id and that of the run.
_RUN = re.compile(rb"[A-Za-z0-9_-]{1,64}:[0-9a-f]{32}")


def recover_jobs(jobs: JobQueues, now: datetime) -> None:
    """Reschedule abandoned jobs, or let them fail for good. One process at a time may run it. Raises RedisError."""
    for queue in jobs.queues.values():
        _drop_odd_runs(queue)
        queue.started_job_registry.cleanup()
        queue.failed_job_registry.cleanup()
        clean_worker_registry(queue)
        _put_back(queue, now)


def _drop_odd_runs(queue: JobQueue) -> None:
    """Drop entries that RQ could not read: one of them would keep all abandoned jobs where they are."""
    registry = queue.started_job_registry
    entries: Any = queue.connection.zrange(registry.key, 0, -1)
    odd = [entry for entry in entries if not _RUN.fullmatch(entry)]
    if odd:
        queue.connection.zrem(registry.key, *odd)
        log.warning("job.malformed", queue=queue.name, why="run", count=len(odd))


def _put_back(queue: JobQueue, now: datetime) -> None:
    """Put jobs back that have stayed between queue and worker: their worker was killed there."""
    between = queue.intermediate_queue
    entries: Any = queue.connection.lrange(between.key, 0, -1)
    for entry in entries:
        job_id = read_id(entry)
        if job_id is None:
            queue.connection.lrem(between.key, 0, entry)
            log.warning("job.malformed", queue=queue.name, why="id")
            continue
        if between.set_first_seen(job_id):
            continue
        seen = between.get_first_seen(job_id)
        if job_id in queue.started_job_registry or seen is None or now - seen < LOST_AFTER:
            continue
        job = queue.read(entry)
        if job is not None and job.get_status(refresh=False) == JobStatus.QUEUED:
            queue.push_job_id(job_id)
        between.remove(job_id)
        queue.connection.delete(between.get_first_seen_key(job_id))
