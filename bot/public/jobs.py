"""Define the jobs of what follows a look at an appeal."""

from typing import TYPE_CHECKING

from bot.public import codes, follow_ups
from bot.work.job import Job
from models.public.appeal_code import LISTINGS

if TYPE_CHECKING:
    from bot.work.context import WorkerContext


def send_follow_up(context: "WorkerContext", follow_up_id: int) -> None:
    follow_ups.send_follow_up(context, follow_up_id)


def make_appeal_code(context: "WorkerContext", number: int) -> None:
    """Fetch the code that the page of the appeal shows."""
    codes.make_code(context.database, context.api, number, context.clock())


def make_listing_code(context: "WorkerContext", number: int) -> None:
    """Fetch the code that the page of the listing shows."""
    codes.make_code(context.database, context.api, number, context.clock(), LISTINGS)


JOBS = {
    "send_follow_up": Job(send_follow_up),
    "make_appeal_code": Job(make_appeal_code),
    "make_listing_code": Job(make_listing_code),
}
