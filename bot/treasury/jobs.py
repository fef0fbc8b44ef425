"""Define the job of the reconciliation."""

from typing import TYPE_CHECKING

from bot.treasury.gift_bills import gift_reconciler
from bot.work.job import Job

if TYPE_CHECKING:
    from bot.work.context import WorkerContext


def fetch_bill(context: "WorkerContext", day: int) -> None:
    """Fetch the bill of a day (20261125) of each merchant account, and compare it with our books."""
    for client in context.pay or ():
        gift_reconciler(context.database, context.jobs, client, context.clock).fetch_bill(day)


# Long enough for a busy day's lines, and a query to the channel for each lost callback.
JOBS = {"fetch_bill": Job(fetch_bill, "slow", seconds=3600, backoff=(60, 600))}
