"""Clean up the queues: recover the jobs of killed workers and jobs lost between queue and worker."""

from datetime import datetime, timedelta

from rq import Queue
from rq.job import JobStatus
from rq.registry import clean_registries
from rq.worker_registration import clean_worker_registry

from bot.work.queues import JobQueues

# A job that a worker took and has not begun for this long is lost; it lies in RQ's intermediate queue.
LOST_AFTER = timedelta(seconds=20)


def recover_jobs(jobs: JobQueues, now: datetime) -> None:
    """Reschedule abandoned jobs, or let them fail for good. One process at a time may run it. Raises RedisError."""
    for queue in jobs.queues.values():
        clean_registries(queue)
        clean_worker_registry(queue)
        _put_back(queue, now)


def _put_back(queue: Queue, now: datetime) -> None:
    """Put jobs back that have stayed between queue and worker: their worker was killed there."""
    between = queue.intermediate_queue
    for job_id in between.get_job_ids():
        if between.set_first_seen(job_id):
            continue
        seen = between.get_first_seen(job_id)
        if job_id in queue.started_job_registry or seen is None or now - seen < LOST_AFTER:
            continue
        job = queue.fetch_job(job_id)
        if job is not None and job.get_status(refresh=False) == JobStatus.QUEUED:
            queue.push_job_id(job_id)
        between.remove(job_id)
        queue.connection.delete(between.get_first_seen_key(job_id))
