"""Keep the jobs of the demo's year in memory, for the one worker that runs in the same process."""

from collections import deque
from collections.abc import Iterable, Sequence

from bot.work.job import Named
from bot.work.queues import DELIVERING, JobQueues, batches


class JobsHere(JobQueues):
    """Queues whose jobs wait here instead of in Redis, in the order in which they were put."""

    def __init__(self, redis_url: str) -> None:
        super().__init__(redis_url)
        self.waiting: deque[Named] = deque()

    def put(self, jobs: Iterable[Named], notifications: Sequence[int] = ()) -> None:
        self.waiting.extend(jobs)
        self.waiting.extend(("deliver", batch) for batch in batches(notifications))

    def enqueue_due(self, urgency: str, ids: Sequence[int], most: int = 0) -> int:
        """Put the delivery of all of them, whatever ``most`` says: one worker takes all jobs from here."""
        found = batches(ids)
        self.waiting.extend((DELIVERING[urgency], batch) for batch in found)
        return len(found)

    def enqueue_once(self, name: str, argument: int) -> None:
        if (name, argument) not in self.waiting:
            self.waiting.append((name, argument))
