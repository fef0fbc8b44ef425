"""Define the job that gives people their menus."""

from typing import TYPE_CHECKING

from bot.menus import tagging
from bot.work.job import Job

if TYPE_CHECKING:
    from bot.work.context import WorkerContext


def give_menus(context: "WorkerContext", _now: int) -> None:
    tagging.give_menus(context)


JOBS = {"give_menus": Job(give_menus, "slow", seconds=600)}
