"""Define the jobs of photos."""

from typing import TYPE_CHECKING

from bot.photos.sealing import seal_files
from bot.photos.stray_files import sweep_stray_files
from bot.work.clock import true_now
from bot.work.job import Job

if TYPE_CHECKING:
    from bot.work.context import WorkerContext


def fetch_photo(context: "WorkerContext", photo_id: int) -> None:
    context.photos.fetch(photo_id)


def forget_photo(context: "WorkerContext", photo_id: int) -> None:
    """Delete a photo, the copies that anybody may load before it."""
    context.public_copies.forget(photo_id)
    context.photos.forget(photo_id)


def publish_photo(context: "WorkerContext", review_id: int) -> None:
    """Make or delete the copies of a photo on which an officer decided."""
    context.public_copies.keep_up(review_id)


def sweep_photo_files(context: "WorkerContext", _day: int) -> None:
    """Delete the files that no row names. By the true time: the files' dates are, also where the clock was moved."""
    sweep_stray_files(context.database, context.photos.files.storage, true_now())
    context.public_copies.sweep_strays(true_now())


def seal_photo_files(context: "WorkerContext", _hour: int) -> None:
    """Seal the files that lie open from before 0.3."""
    seal_files(context.database, context.photos.files, only_open=True)


JOBS = {
    "fetch_photo": Job(fetch_photo),
    "forget_photo": Job(forget_photo),
    "publish_photo": Job(publish_photo),
    # Of a folder from before 0.3 every file; afterwards there are none. A run that is stopped goes on in the next.
    "seal_photo_files": Job(seal_photo_files, "slow", seconds=2 * 3600, backoff=(600,)),
    # Every file is looked at.
    "sweep_photo_files": Job(sweep_photo_files, "slow", seconds=2 * 3600, backoff=(600,)),
}
