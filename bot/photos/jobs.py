"""Define the jobs of photos."""

from typing import TYPE_CHECKING

from bot.work.job import Job

if TYPE_CHECKING:
    from bot.work.context import WorkerContext


def fetch_photo(context: "WorkerContext", photo_id: int) -> None:
    context.photos.fetch(photo_id)


def forget_photo(context: "WorkerContext", photo_id: int) -> None:
    context.photos.forget(photo_id)


JOBS = {"fetch_photo": Job(fetch_photo), "forget_photo": Job(forget_photo)}
