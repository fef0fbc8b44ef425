"""A listing that everybody sees, with photos on which an officer decides, and the worker's side of their copies."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy.orm import Session as Database

from bot.photos.public_copies import PublicCopies
from models.market.listing import Listing
from models.market.submission import NewListing
from models.people.user import User
from models.public import photo_review
from models.public.album import LISTINGS
from models.public.photos import ShownPhoto, claim_due, copied_photos
from models.staff.member import Staff
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.gallery import Gallery
from tests.scenes.goods import sold


class Stall(Gallery):
    """``o-seller``'s oranges, on sale with two photos, and the officer of the place."""

    def __init__(self, stage: Stage, folder: Path, name: str = "脐橙", unit: str = "jin") -> None:
        super().__init__(stage, folder)
        self.seller = stage.register("o-seller", "resident", DAOXIAN_MEIHUA)
        self.listing = self.sell(name, unit)
        self.photos = [self.keep("listing", self.listing) for _ in range(2)]
        self.copies = PublicCopies(stage.database, self.files, stage.clock)

    def sell(self, name: str = "脐橙", unit: str = "jin", ripe: date | None = None) -> int:
        """Put it on sale. ``ripe``: the first day of its harvest, which is to come."""
        wanted = NewListing(f"{name}-{unit}", "produce", name, unit, 350, 100_000, ripe, None)
        with Database(self.stage.database) as db, db.begin():
            return sold(db, wanted, db.get_one(User, self.seller), self.stage.clock()).id

    def officer_of(self, db: Database, staff: int | None = None) -> Staff:
        return db.get_one(Staff, staff or self.officer)

    def approve(self, photo: int, *, opens: bool = True) -> int:
        """Open the page of pictures, approve the photo, and run its job; returns the decision's id."""
        if opens:
            assert self.open(f"listing:{self.listing}").status_code == 200
        with Database(self.stage.database) as db, db.begin():
            now = self.stage.clock()
            review = photo_review.approve(db, self.officer_of(db), self.listing, photo, now, LISTINGS).id
        self.copies.keep_up(review)
        return review

    def shown(self) -> list[ShownPhoto]:
        with Database(self.stage.database) as db:
            return copied_photos(db, self.listing, LISTINGS)

    def change(self, **values: object) -> None:
        with Database(self.stage.database) as db, db.begin():
            found = db.get_one(Listing, self.listing)
            for name, value in values.items():
                setattr(found, name, value)
        self.stage.app.extensions["bangfu"]["kept_pages"].clear()

    def sweep(self) -> list[int]:
        """What the sweep finds now, each with its job done."""
        with Database(self.stage.database) as db, db.begin():
            due = claim_due(db, self.stage.clock(), 100)
        for review in due:
            self.copies.keep_up(review)
        return due

    def files_there(self) -> list[str]:
        return sorted(file.name for file in (self.folder / "public").rglob("*") if file.is_file())


@pytest.fixture
def stall(database_url: str, tmp_path: Path) -> Iterator[Stall]:
    stage = Stage(database_url)
    yield Stall(stage, tmp_path)
    stage.close()
