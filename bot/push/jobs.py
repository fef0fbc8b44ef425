"""Define the jobs of pushes, broadcasts and digests."""

from typing import TYPE_CHECKING

from bot.push import digest
from bot.push.broadcasts import continue_broadcasts
from bot.work.job import Job

if TYPE_CHECKING:
    from bot.work.context import WorkerContext

# Seconds for which a push job goes on with what else is due, so that sends and the database do not wait for each other.
SERVES_ON = 5.0


def deliver(context: "WorkerContext", notification_ids: list[int]) -> None:
    """Send these notifications, and for some seconds what else of the urgency ``push`` is due."""
    context.deliverer.serve(notification_ids, "push", SERVES_ON)


def deliver_bulk(context: "WorkerContext", notification_ids: list[int]) -> None:
    """Send these notifications of a broadcast, and for some seconds what else of broadcasts is due."""
    context.deliverer.serve(notification_ids, "bulk", SERVES_ON)


def fan_out(context: "WorkerContext", _broadcast_id: int) -> None:
    """Continue all broadcasts until they are written; after a kill, the scheduler enqueues this job again."""
    while continue_broadcasts(context.database, context.jobs, context.clock()):
        pass


def write_digests(context: "WorkerContext", month: int) -> None:
    """Write the digests of this month (202610), at most one per donor."""
    digest.write_digests(context.database, month, context.clock())


JOBS = {
    # Up to a minute until the account's pace allows a batch, and then all its time-outs together.
    "deliver": Job(deliver, "push", seconds=180),
    "deliver_bulk": Job(deliver_bulk, "bulk", seconds=180),
    # Slow jobs may be killed anywhere, and are begun anew.
    "fan_out": Job(fan_out, "slow", seconds=600),
    "write_digests": Job(write_digests, "slow", seconds=3600, backoff=(60, 600)),
}
