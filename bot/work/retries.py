"""Put failed jobs back into their queues when their retry is due, each judged by itself.

RQ's own scheduler (3.0, by its source) reads all that are due at once: one that it cannot read keeps back all others,
and ends the process.
"""

from typing import Any

from redis import Redis
from rq.scheduler import RQScheduler
from rq.serializers import JSONSerializer
from rq.utils import current_timestamp

from bot.work.queues import QUEUES
from bot.work.rq_queue import JobQueue

# At most so many jobs of a queue go back at once.
MOST = 1000


class Retries(RQScheduler):
    def __init__(self, connection: Redis) -> None:
        super().__init__(QUEUES, connection=connection, logging_level="WARNING", serializer=JSONSerializer)
        self._connection: Any = connection

    def enqueue_scheduled_jobs(self) -> None:
        """Put back what is due in the queues whose lock this process holds. Raises RedisError."""
        for name in self.acquired_locks:
            queue = JobQueue(name, self.connection)
            key = queue.scheduled_job_registry.key
            for entry in self.connection.zrangebyscore(key, 0, current_timestamp(), start=0, num=MOST):
                job = queue.read(entry)
                with self.connection.pipeline() as pipeline:
                    if job is not None:
                        queue._enqueue_job(job, pipeline=pipeline)
                    pipeline.zrem(key, entry)
                    pipeline.execute()
