"""A cooperative that sells: who speaks for it, who comes next, and whoever stops or ends it, past the door."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import pytest

from models.books.goods.stock import check_stock
from models.books.market.land import check_land
from models.books.market.order_money import check_order_money
from models.books.tasks import check_tasks
from models.market.after_sales.after_sale import AfterSale
from models.market.after_sales.answers import of_order
from models.market.after_sales.asking import NewAfterSale, ask
from models.market.listing import Listing
from models.market.submission import NewListing
from models.organisations import desk
from models.organisations.organisation import Organisation
from models.organisations.terms import due_terms, end_or_remind
from models.people.user import User
from models.staff.member import Staff
from tests.harness.stage import Stage
from tests.scenes.goods import sold
from tests.scenes.market import JIN, Market
from tests.scenes.organisations import confirm, set_until, succeed

VILLAGE, COUNTY = "431124101208", "431124000000"


@dataclass
class Cooperative(Market):
    """``number``: the organisation's. Its representative is ``seller``; ``next`` may come to speak for it."""

    kind: str = "cooperative"
    number: int = 0
    people: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.seller()
        self.buyer()
        self.people["next"] = self.stage.register("o-next", "resident", VILLAGE)
        self.number = confirm(self.stage, "o-seller", VILLAGE, self.kind)
        self.officer = self.stage.appoint("o-county", "county", COUNTY)

    @property
    def household(self) -> int:
        with self.session() as db:
            return db.get_one(Organisation, self.number).household_id

    def sell_in_its_name(self, stock: int = 100 * JIN, price_fen: int = 350, by: str = "seller") -> int:
        wanted = NewListing(str(uuid4()), "produce", "脐橙", "jin", price_fen, stock, None, None)
        with self.session() as db:
            organisation = db.get_one(Organisation, self.number)
            return sold(db, wanted, db.get_one(User, self.people[by]), self.stage.clock(), organisation).id

    def bring(self, order: int, state: str) -> None:
        """Bring an order to this state by what its buyer and its seller say."""
        if state in ("accepted", "shipped", "delivered", "completed", "after_sale"):
            self.accept(order)
        if state in ("shipped", "delivered", "completed", "after_sale"):
            self.send(order)
        if state in ("delivered", "completed", "after_sale"):
            self.got(order)
        if state == "completed":
            self.stage.clock.move(timedelta(days=8))
            self.sweep()
        if state == "after_sale":
            self.complain(order)

    def complain(self, order: int) -> None:
        with self.session() as db:
            wanted = NewAfterSale(str(uuid4()), "spoiled", "all", None)
            ask(db, self.people["buyer"], order, wanted, self.stage.clock())

    def after_sale(self, order: int) -> AfterSale:
        with self.session() as db:
            found = of_order(db, order)
        assert found
        return found

    def freeze(self) -> None:
        with self.session() as db:
            desk.suspend(db, db.get_one(Staff, self.officer), self.number, "money_doubtful", self.stage.clock())

    def resume(self) -> None:
        with self.session() as db:
            desk.resume(db, db.get_one(Staff, self.officer), self.number, self.stage.clock())

    def dissolve(self) -> None:
        """Freeze it, and end it: the county does both."""
        self.freeze()
        with self.session() as db:
            desk.dissolve(db, db.get_one(Staff, self.officer), self.number, "deregistered", self.stage.clock())

    def end_term(self) -> None:
        now = self.stage.clock()
        set_until(self.stage, self.number, now.date() - timedelta(days=2))
        with self.session() as db:
            assert [end_or_remind(db, number, now) for number in due_terms(db, now)] == [True]

    def pass_on(self) -> None:
        succeed(self.stage, self.number, "o-next")

    def listing(self, number: int) -> Listing:
        with self.session() as db:
            return db.get_one(Listing, number)

    def wrong(self) -> list[str]:
        """What the books find wrong."""
        now = self.stage.clock()
        with self.stage.database.connect() as connection:
            checks = (check_land, check_stock, check_tasks, check_order_money)
            return [str(found) for check in checks for found in check(connection, now)]


@pytest.fixture
def cooperative(database_url: str) -> Iterator[Cooperative]:
    stage = Stage(database_url)
    yield Cooperative(stage)
    stage.close()
