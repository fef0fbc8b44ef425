"""Define the jobs of what follows a look at an appeal."""

from typing import TYPE_CHECKING

from bot.public import codes, follow_ups
from bot.work.job import Job

if TYPE_CHECKING:
    from bot.work.context import WorkerContext


def send_follow_up(context: "WorkerContext", follow_up_id: int) -> None:
    follow_ups.send_follow_up(context, follow_up_id)


def make_appeal_code(context: "WorkerContext", number: int) -> None:
    """Fetch the code that the page of the appeal shows."""
    codes.make_appeal_code(context.database, context.api, number, context.clock())


JOBS = {"send_follow_up": Job(send_follow_up), "make_appeal_code": Job(make_appeal_code)}
