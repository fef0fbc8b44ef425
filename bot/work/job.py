"""A job as its room declares it: what is done, by which queue's workers, in what time, and how often it is tried.

It gets one row's id, or a list of notices' ids, and may run twice: it looks at the row first. Its name is what lies in
Redis and in the rows of dead jobs, so that it outlives every move of its function; it never changes.

The queues know every job: what a job's function imports takes the queues as a protocol, or the imports go in a circle.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.work.errands import Errands

Named = tuple[str, int | list[int]]
"""A job's name with what it gets."""


@dataclass(frozen=True, slots=True)
class Job:
    """``seconds`` that it may take; ``backoff``: seconds until it is tried again, once for each. Then it is dead."""

    run: "Callable[[Errands, Any], None]"
    queue: str = "default"
    seconds: int = 60
    backoff: tuple[int, ...] = (5, 30, 120)

    @property
    def tries(self) -> int:
        return len(self.backoff) + 1
