"""Households that sell what they grow, past the door, as the flows would have it done."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from sqlalchemy.orm import Session as Database

from models.books.goods.stock import check_stock
from models.books.market.land import check_land
from models.books.tasks import check_tasks
from models.core.audit_trail import record_reading
from models.goods.ending import hold_own
from models.goods.review import approve
from models.goods.rules import STRICT
from models.market.listing import Listing
from models.market.submission import NewListing, mend_listing, submit_listing
from models.people.user import User
from models.staff.file_access import record_file_access
from models.staff.member import Staff
from tests.harness.stage import Stage
from tests.scenes.goods import LEXICON, passed

RULES = LEXICON.market
COUNTY = "431124000000"


@dataclass
class Orchard:
    """A household with oranges, ``plot`` hundredths of a 亩 of them, and whoever looks at what it sells."""

    stage: Stage
    plot: int = 100
    serials: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.owner = self.stage.register("o-long", "resident")

    @contextmanager
    def session(self) -> Iterator[Database]:
        with Database(self.stage.database, expire_on_commit=False) as db, db.begin():
            yield db

    def oranges(self, jin: int, *, fen: int = 300, plot: int | None = None) -> NewListing:
        crop, land = "citrus", self.plot if plot is None else plot
        serial = f"oranges-{next(self.serials)}"
        return NewListing(serial, "produce", "道县脐橙", "jin", fen, jin * 500, None, None, crop, land)

    def boxes(self, pieces: int, grams_each: int) -> NewListing:
        serial = f"boxes-{next(self.serials)}"
        plot = self.plot
        return NewListing(serial, "produce", "脐橙", "box", 4_000, pieces, None, None, "citrus", plot, grams_each)

    def lists(self, wanted: NewListing) -> int:
        with self.session() as db:
            return submit_listing(db, wanted, db.get_one(User, self.owner), self.stage.clock(), RULES).id

    def mends(self, number: int, wanted: NewListing) -> bool:
        with self.session() as db:
            listing = hold_own(db, self.owner, "listing", number)
            return mend_listing(db, listing, wanted, self.stage.clock(), RULES, same_photos=True)

    def sells(self, jin: int, *, fen: int = 300) -> int:
        """List them, and have them passed."""
        number = self.lists(self.oranges(jin, fen=fen))
        with self.session() as db:
            passed(db, "listing", db.get_one(Listing, number), self.stage.clock())
        return number

    def looks(self, officer: int, number: int) -> str:
        """The officer reads it, opens its pictures and passes it; where it stands then."""
        with self.session() as db:
            staff, now = db.get_one(Staff, officer), self.stage.clock()
            record_file_access(db, staff, "listing", number, self.owner, now)
            by = staff.actor.name
            record_reading(db, at=now, actor=by, subject="listing", subject_id=number, purpose="pictures", about=1)
            return str(approve(db, staff, "listing", number, STRICT, now).state)

    def state(self, number: int) -> str:
        with self.session() as db:
            return db.get_one(Listing, number).state

    def wrong(self) -> list[str]:
        """What the books find wrong with the market."""
        now = self.stage.clock()
        with self.stage.database.connect() as connection:
            checks = (check_land, check_stock, check_tasks)
            return [str(found) for check in checks for found in check(connection, now)]
