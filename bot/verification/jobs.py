"""The job that asks the registry about a case."""

from typing import TYPE_CHECKING

from bot.verification import check_registry as registry
from bot.work.job import Job

if TYPE_CHECKING:
    from bot.work.errands import Errands


def check_registry(errands: "Errands", verification_id: int) -> None:
    """Ask the registry about the resident of a case."""
    registry.check_registry(errands.database, errands.registry, verification_id)


JOBS = {"check_registry": Job(check_registry)}
