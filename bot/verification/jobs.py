"""The job that asks the registry about a case."""

from typing import TYPE_CHECKING

from bot.verification import check_registry as registry
from bot.work.job import Job

if TYPE_CHECKING:
    from bot.work.context import WorkerContext


def check_registry(context: "WorkerContext", verification_id: int) -> None:
    """Ask the registry about the resident of a case."""
    registry.check_registry(context.database, context.registry, verification_id, context.clock)


JOBS = {"check_registry": Job(check_registry)}
