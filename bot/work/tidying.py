"""Looking after what lies in Redis: jobs of killed workers, jobs that got lost on their way, jobs that are dead."""

from datetime import datetime, timedelta

from rq import Queue
from rq.job import JobStatus
from rq.registry import clean_registries
from rq.worker_registration import clean_worker_registry

from bot.work.queues import Jobs

# A job that a worker took out of its queue and has not begun since; RQ calls the place between intermediate.
LOST_AFTER = timedelta(seconds=20)


def tidy(jobs: Jobs, now: datetime) -> None:
    """Abandoned jobs are scheduled to run again, or fail for good. Raises RedisError. One process does it at a time."""
    for queue in jobs.queues.values():
        clean_registries(queue)
        clean_worker_registry(queue)
        _put_back(queue, now)


def _put_back(queue: Queue, now: datetime) -> None:
    """What lies between queue and worker for long, its worker was killed there."""
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
