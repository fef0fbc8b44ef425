"""Define the jobs of photos."""

from typing import TYPE_CHECKING

from bot.work.job import Job

if TYPE_CHECKING:
    from bot.work.errands import Errands


def fetch_photo(errands: "Errands", photo_id: int) -> None:
    errands.photos.fetch(photo_id)


def forget_photo(errands: "Errands", photo_id: int) -> None:
    errands.photos.forget(photo_id)


JOBS = {"fetch_photo": Job(fetch_photo), "forget_photo": Job(forget_photo)}
