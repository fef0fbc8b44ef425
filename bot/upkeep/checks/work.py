"""Check the work behind the bot: Redis, the workers, what waits for them, and what failed for good."""

from collections.abc import Iterator
from datetime import timedelta

from redis import Redis
from redis.exceptions import ResponseError
from rq import Worker
from rq.exceptions import NoSuchJobError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.upkeep.checks.finding import Finding, Level, bad, duration, ok, told_by, warn
from bot.upkeep.checks.installation import Installation
from bot.work.clock import true_now
from bot.work.queues import QUEUES, JobQueues
from bot.work.rq_queue import JobQueue, QueuedJob
from bot.work.stored_job import read_id
from models.notifications.outbox import oldest_due
from models.upkeep.dead_job import count_open
from models.upkeep.schedule import LastRun

_START = "systemctl start bangfu-worker on a worker host; journalctl -u bangfu-worker tells why it ended"
# A worker says every half minute that it lives.
_LIVES = timedelta(minutes=3)
# Seconds for which the first job of a queue may have waited. A slow job may take two hours.
_WAITS = {"slow": (4 * 3600.0, 12 * 3600.0)}
_WAITS_ELSE = (120.0, 900.0)
# Seconds since the schedule ran anything, of which something is due every ten.
_LATE, _DEAD = 60.0, 180.0


def check_redis(installation: Installation) -> Iterator[Finding]:
    installation.redis.ping()
    try:
        found = installation.redis.info()
    except ResponseError:  # its user may not ask
        yield ok("Redis answers")
        return
    memory = f"{found.get('used_memory', 0) / 1e6:.0f} MB"
    policy, most = str(found.get("maxmemory_policy", "noeviction")), found.get("maxmemory", 0)
    if most and policy != "noeviction":
        yield warn(
            f"Redis holds {memory} and may drop keys when it is full ({policy}): queued work is delayed then",
            "set maxmemory-policy noeviction; the bot's keys are few",
        )
    else:
        yield ok(f"Redis answers; it holds {memory}")


def check_workers(installation: Installation) -> Iterator[Finding]:
    """Check that a worker serves each queue; only queues that we have are printed."""
    serving = dict.fromkeys(QUEUES, 0)
    for worker in Worker.all(connection=installation.redis):
        beat = worker.last_heartbeat
        if beat is not None and true_now() - beat < _LIVES:
            for name in set(worker.queue_names()) & {*QUEUES}:
                serving[name] += 1
    if idle := [name for name, count in serving.items() if not count]:
        yield bad(f"no worker serves {', '.join(idle)}", _START)
    else:
        yield ok("workers: " + ", ".join(f"{name} {count}" for name, count in serving.items()))


def check_schedule(installation: Installation) -> Iterator[Finding]:
    with Session(installation.database) as db:
        last = db.scalar(select(func.max(LastRun.ran_at)))
    if last is None:
        yield bad("the schedule has never run anything", _START)
        return
    since = max((installation.clock() - last).total_seconds(), 0.0)
    level = told_by(since, _LATE, _DEAD)
    words = f"the schedule last ran something {duration(since)} ago"
    yield Finding(level, words, "" if level is Level.OK else f"without it no deadline is kept: {_START}")


def check_queues(installation: Installation) -> Iterator[Finding]:
    jobs = JobQueues(installation.settings.redis_url)
    try:
        found = {name: (queue.count, _waits(queue)) for name, queue in jobs.queues.items()}
    finally:
        jobs.redis.close()
    yield ok("jobs that wait: " + ", ".join(f"{name} {count}" for name, (count, _) in found.items()))
    for name, (_, waits) in found.items():
        if (level := told_by(waits, *_WAITS.get(name, _WAITS_ELSE))) is not Level.OK:
            do = "are its workers alive? If so start more of them: worker --queues … --processes 2"
            yield Finding(level, f"the first job of {name} has waited for {duration(waits)}", do)


def _waits(queue: JobQueue) -> float:
    """Return for how many seconds the first job of the queue has waited; 0 where there is none that can be read."""
    redis: Redis = queue.connection
    first = redis.lindex(queue.key, 0)
    job_id = read_id(first) if isinstance(first, bytes) else None
    try:
        job = QueuedJob.fetch(job_id, redis) if job_id else None
    except NoSuchJobError:
        return 0.0
    return max((true_now() - job.enqueued_at).total_seconds(), 0.0) if job and job.enqueued_at else 0.0


def check_owed(installation: Installation) -> Iterator[Finding]:
    now = installation.clock()
    with Session(installation.database) as db:
        oldest, dead = oldest_due(db, now), count_open(db)
    late = (now - oldest).total_seconds() if oldest else 0.0
    level = told_by(late, 600.0, 3600.0)
    words = f"the oldest notification has been due for {duration(late)}" if oldest else "no notification is overdue"
    yield Finding(level, words, "" if level is Level.OK else "is WeChat reachable from the workers? See wechat above")
    if dead:
        yield warn(f"{dead} jobs failed for good", "dead-jobs names them; mend the cause, then dead-jobs --replay all")
    else:
        yield ok("no job failed for good")
