"""Define a job as its room declares it: the function, its queue, its time limit and its retries.

A job gets one row's id, or a list of notification ids, and may run twice: it reads the row first. Its name is stored
in Redis and in the rows of dead jobs, so it never changes, wherever its function moves.
The queues import every job: modules that a job imports must take the queues as a protocol, or imports are circular.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.work.context import WorkerContext

Named = tuple[str, int | list[int]]
"""A job's name and its argument."""


@dataclass(frozen=True, slots=True)
class Job:
    """``seconds``: the time limit. ``backoff``: seconds before each retry; after the last one fails the job is dead."""

    run: "Callable[[WorkerContext, Any], None]"
    queue: str = "default"
    seconds: int = 60
    backoff: tuple[int, ...] = (5, 30, 120)

    @property
    def tries(self) -> int:
        return len(self.backoff) + 1
