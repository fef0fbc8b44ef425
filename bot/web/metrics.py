"""Define the figures of /metrics. Numbers only: no person, no message, no place."""

import re
from datetime import datetime
from math import nan
from typing import Any

from prometheus_client import Counter, Gauge, Histogram
from redis.exceptions import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.work.queues import QUEUES, JobQueues
from models.books.chains import CHAINS
from models.core.hash_chain import waiting
from models.notifications.outbox import oldest_due
from models.upkeep.dead_job import count_open

DELIVERIES = Histogram(
    "bangfu_delivery_seconds",
    "Seconds at WeChat's door, by the status that was answered",
    ["status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 5.0),
)
REPEATS = Counter("bangfu_repeats", "Deliveries of a message that had been answered, and got the same reply again")
FAILURES = Counter("bangfu_failed_turns", "Messages that met a mistake of ours, and were told sorry")
WAITING = Gauge("bangfu_waiting_requests", "Requests that wait for a thread of their lane", ["lane"])
REFUSED = Counter(
    "bangfu_refused_requests",
    "Requests that were answered 503 unread: full (no place was left in their lane), late (they waited too long)",
    ["lane", "reason"],
)
PAY_NOTICES = Counter(
    "bangfu_pay_notices", "Callbacks of WeChat Pay: taken, refused (not proved), failed (to come again)", ["outcome"]
)
QUEUE_JOBS = Gauge("bangfu_queue_jobs", "Jobs that wait in a queue", ["queue"])
SENT = Gauge("bangfu_sent", "Pushes by channel and by WeChat's code (0: taken), since Redis began", ["channel", "code"])
HEARD = Gauge("bangfu_voices", "Voices by what came of them: heard, or why not, since Redis began", ["outcome"])
OLDEST_OWED = Gauge("bangfu_oldest_owed_seconds", "For how long the oldest owed notice has been due; 0 where none is")
UNSEALED = Gauge("bangfu_unsealed_links", "Audit events and postings that wait for their link", ["chain"])
UNSEALED_FOR = Gauge("bangfu_unsealed_seconds", "For how long the oldest of them has waited", ["chain"])
DEAD_JOBS = Gauge("bangfu_dead_jobs", "Jobs that failed as often as they may and that nobody has settled")

# A Redis hash that the pushing workers write; its fields are channel:code.
SENT_KEY = "bangfu:sent"
# Another, which the workers that hear voices write; its fields are outcomes.
HEARD_KEY = "bangfu:voices"
_COUNT = re.compile(rb"[0-9]{1,18}")


def show_queues(jobs: JobQueues) -> None:
    """Set the figures that Redis holds; NaN or none while Redis does not answer."""
    try:
        depths: dict[str, float] = {name: queue.count for name, queue in jobs.queues.items()}
        kept, heard = _counts(jobs.redis.hgetall(SENT_KEY)), _counts(jobs.redis.hgetall(HEARD_KEY))
    except RedisError:
        depths, kept, heard = dict.fromkeys(QUEUES, nan), {}, {}
    for name, depth in depths.items():
        QUEUE_JOBS.labels(name).set(depth)
    SENT.clear()
    for field, count in kept.items():
        channel, _, code = field.partition(":")
        SENT.labels(channel, code).set(count)
    HEARD.clear()
    for outcome, count in heard.items():
        HEARD.labels(outcome).set(count)


def _counts(kept: Any) -> dict[str, int]:
    """Return the counts that workers wrote to Redis; skip values of another form, so that the page still opens."""
    sound = [(name, count) for name, count in kept.items() if name.isascii() and _COUNT.fullmatch(count)]
    return {name.decode(): int(count) for name, count in sound}


def set_backlog_gauges(database: Engine, now: datetime) -> None:
    """Set the figures that the database holds; NaN while it does not answer."""
    try:
        with Session(database) as db:
            oldest, dead = oldest_due(db, now), float(count_open(db))
            unsealed: dict[str, tuple[float, float]]
            unsealed = {chain.name: waiting(db.connection(), chain) for chain in CHAINS}
    except SQLAlchemyError:
        OLDEST_OWED.set(nan)
        DEAD_JOBS.set(nan)
        unsealed = {chain.name: (nan, nan) for chain in CHAINS}
    else:
        OLDEST_OWED.set((now - oldest).total_seconds() if oldest else 0)
        DEAD_JOBS.set(dead)
    for name, (count, seconds) in unsealed.items():
        UNSEALED.labels(name).set(count)
        UNSEALED_FOR.labels(name).set(seconds)
