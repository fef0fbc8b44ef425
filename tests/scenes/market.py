"""A market: a household that sells, and people who order from it, past the door."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from bot.work.sweeps import apply_deadlines
from models.core.calendar import CHINA
from models.core.measures import JIN as JIN
from models.market.listing import Listing
from models.market.lots.harvesting import say_harvested
from models.market.lots.lot import Lot, lot_of
from models.market.orders import answers
from models.market.orders.order import Order
from models.market.orders.placing import NewOrder, place_order
from models.market.orders.shortfall import reduce_harvest
from models.market.submission import NewListing
from models.notifications.notification import Notification
from models.people.conversation import Conversation
from models.people.user import User
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.goods import LEXICON, sold

RECIPIENT, PHONE, ADDRESS = "覃桂花", "13911112222", "天河路12号"
CARRIERS = LEXICON.goods.carriers


@dataclass
class Market:
    stage: Stage
    people: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def session(self) -> Iterator[Database]:
        with Database(self.stage.database, expire_on_commit=False) as db, db.begin():
            yield db

    def seller(self, name: str = "seller") -> str:
        self.people[name] = self.stage.register(f"o-{name}", "resident", DAOXIAN_MEIHUA)
        return name

    def buyer(self, name: str = "buyer") -> str:
        self.people[name] = self.stage.register(f"o-{name}", "donor")
        return name

    def sell(
        self,
        stock: int,
        unit: str = "jin",
        price_fen: int = 350,
        name: str = "脐橙",
        by: str = "seller",
        ripe_in: int | None = None,
    ) -> int:
        """List it, and have it passed. ``ripe_in``: so many days from now picking begins."""
        ripe = self.stage.clock().astimezone(CHINA).date() + timedelta(days=ripe_in) if ripe_in else None
        wanted = NewListing(str(uuid4()), "produce", name, unit, price_fen, stock, ripe, None)
        with self.session() as db:
            return sold(db, wanted, db.get_one(User, self.people[by]), self.stage.clock()).id

    def order(self, listing: int, quantity: int, by: str = "buyer") -> int:
        with self.session() as db:
            offered = db.get_one(Listing, listing)
            wanted = NewOrder(
                draft_id=str(uuid4()),
                listing_id=listing,
                quantity=quantity,
                unit=offered.unit,
                price_fen=offered.price_fen,
                fresh=True,
                recipient=RECIPIENT,
                phone=PHONE,
                region_code="440106000000",
                address=ADDRESS,
            )
            return place_order(db, wanted, db.get_one(User, self.people[by]), self.stage.clock()).id

    def accept(self, order: int, by: str = "seller") -> None:
        with self.session() as db:
            answers.accept(db, self.people[by], order, self.stage.clock())

    def send(self, order: int, waybill: str = "", by: str = "seller") -> None:
        with self.session() as db:
            answers.send(db, self.people[by], order, waybill, CARRIERS, self.stage.clock())

    def harvest(self, listing: int, there: int | None = None, by: str = "seller") -> None:
        with self.session() as db:
            say_harvested(db, self.people[by], listing, there, self.stage.clock())

    def reduce(self, listing: int, left: int, by: str = "seller") -> None:
        with self.session() as db:
            reduce_harvest(db, self.people[by], listing, left, self.stage.clock())

    def lot(self, listing: int) -> Lot:
        with self.session() as db:
            found = lot_of(db, listing)
            assert found
            return found

    def days(self, days: float) -> None:
        """Let so many days pass, and sweep."""
        self.stage.clock.move(timedelta(days=days))
        self.sweep()

    def told(self, kind: str, by: str) -> int:
        """Count the notifications of a kind that somebody was told."""
        with self.session() as db:
            theirs = select(Conversation.id).where(Conversation.user_id == self.people[by])
            found = Notification.conversation_id.in_(theirs) & (Notification.template == kind)
            return db.scalar(select(func.count(Notification.id)).where(found)) or 0

    def got(self, order: int, by: str = "buyer") -> None:
        with self.session() as db:
            answers.got(db, self.people[by], order, self.stage.clock())

    def sweep(self) -> None:
        apply_deadlines(self.stage.database, self.stage.clock())

    def state(self, order: int) -> str:
        return self.read(order).state

    def read(self, order: int) -> Order:
        with self.session() as db:
            return db.get_one(Order, order)

    def stock(self, listing: int) -> tuple[int, int, int]:
        """What of it is available, reserved and delivered."""
        with self.session() as db:
            found = db.get_one(Listing, listing)
            return found.available, found.reserved, found.delivered


@pytest.fixture
def market(database_url: str) -> Iterator[Market]:
    """One who sells and one who buys."""
    stage = Stage(database_url)
    market = Market(stage)
    market.seller()
    market.buyer()
    yield market
    stage.close()
