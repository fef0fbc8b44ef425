"""A published appeal whose officer approves photos, and the worker's side of their copies."""

from pathlib import Path

from sqlalchemy.orm import Session as Database
from werkzeug.test import TestResponse

from bot.photos.public_copies import PublicCopies
from models.people.photo import Photo
from models.public import photo_review
from models.public.photos import ShownPhoto, claim_due, public_photos
from models.staff.member import Staff
from tests.harness.processes.media import MediaStore
from tests.harness.stage import Stage
from tests.scenes.gallery import Gallery
from tests.scenes.pages import agreed


class Album(Gallery):
    """Gallery's appeal, whose owner is ``o-owner-0``."""

    def __init__(self, stage: Stage, folder: Path, media: MediaStore | None = None) -> None:
        super().__init__(stage, folder, media)
        agreed(stage, self.appeal)
        self.copies = PublicCopies(stage.database, self.files, stage.clock)

    def approve(self, photo: int, staff: int | None = None, *, opens: bool = True, job: bool = True) -> int:
        """Open the page of pictures, approve the photo as this officer, and run its job; returns the decision's id."""
        if opens:
            assert self.open(staff=staff).status_code == 200
        with Database(self.stage.database) as db, db.begin():
            officer = db.get_one(Staff, staff or self.officer)
            review = photo_review.approve(db, officer, self.appeal, photo, self.stage.clock()).id
        if job:
            self.copies.keep_up(review)
        return review

    def shown(self) -> list[ShownPhoto]:
        with Database(self.stage.database) as db:
            return public_photos(db, self.appeal, self.stage.clock())

    def load(self, file: str, appeal: int | None = None, **headers: str) -> TestResponse:
        path = f"/a/{self.appeal if appeal is None else appeal}/photos/{file}"
        return self.stage.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def files_there(self) -> list[str]:
        """The names of the copies in the storage."""
        return sorted(path.rpartition("/")[2] for path in self.media.paths() if path.startswith("public/"))

    def sweep(self) -> list[int]:
        """What the sweep finds now, each with its job done."""
        with Database(self.stage.database) as db, db.begin():
            due = claim_due(db, self.stage.clock(), 100)
        for review in due:
            self.copies.keep_up(review)
        return due

    def change(self, photo: int, **values: object) -> None:
        with Database(self.stage.database) as db, db.begin():
            found = db.get_one(Photo, photo)
            for name, value in values.items():
                setattr(found, name, value)
