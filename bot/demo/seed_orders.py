"""Order from the demo's listings: buyers order, the seller answers and sends, and something may be wrong with it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from bot.demo.seed_cases import Happening, Row
from bot.demo.seed_pictures import picture
from flows.language.lexicon import Lexicon
from models.market.after_sales import asking
from models.market.listing import Listing
from models.market.lots.clock import move_on
from models.market.lots.harvesting import say_harvested
from models.market.lots.lot import lot_of
from models.market.money.sub_merchant import Owner, add_sub_merchant
from models.market.orders import answers
from models.market.orders.placing import NewOrder, place_order
from models.people.user import User


class Orders:
    """``users`` and ``people``: users and their conversations by key in the files, as far as the history has come.

    ``listings``: the row and its owner, by kind and serial in the files (bot.demo.seed_goods).
    """

    def __init__(
        self,
        db: Session,
        lexicon: Lexicon,
        users: Mapping[str, User],
        people: Mapping[str, int],
        listings: Mapping[tuple[str, int], tuple[int, int]],
    ) -> None:
        self.db, self.lexicon, self.users, self.people, self.listings = db, lexicon, users, people, listings
        self.made: dict[int, int] = {}

    def happenings(self, market: Row) -> Iterator[Happening]:
        for row in market["sub_merchants"]:
            yield row["days_ago"], partial(self.pay_online, row)
        for row in market["harvests"]:
            yield row["begins_days_ago"], partial(self.begin_picking, row)
            yield row["picked_days_ago"], partial(self.pick, row)
        for serial, row in enumerate(market["orders"], 1):
            yield row["days_ago"], partial(self.place, serial, row)
            for step in row.get("then", ()):
                yield step["days_ago"], partial(self.go_on, serial, row, step)

    def pay_online(self, row: Row, when: datetime) -> None:
        """Let a seller be paid under a sub-merchant's number, as the operator does."""
        add_sub_merchant(self.db, Owner("user", self.users[row["seller"]].id), row["number"], when)

    def begin_picking(self, row: Row, when: datetime) -> None:
        """Let the clock say that the first day of a harvest has come."""
        lot = lot_of(self.db, self.listings["listing", row["listing"]][0])
        if lot is None or not move_on(self.db, lot.id, when):
            raise LookupError(f"listing {row['listing']} of the demo is no harvest that begins then")

    def pick(self, row: Row, when: datetime) -> None:
        number, seller = self.listings["listing", row["listing"]]
        say_harvested(self.db, seller, number, row["there"], when, self.lexicon.market)

    def place(self, serial: int, row: Row, when: datetime) -> None:
        number, _ = self.listings["listing", row["listing"]]
        listing = self.db.get_one(Listing, number)
        wanted = NewOrder(
            draft_id=f"demo-order-{serial}",
            listing_id=number,
            quantity=row["quantity"],
            unit=listing.unit,
            price_fen=listing.price_fen,
            fresh=row["fresh"],
            recipient=row["recipient"],
            phone=row["phone"],
            region_code=row["region"],
            address=row["address"],
        )
        self.made[serial] = place_order(self.db, wanted, self.users[row["buyer"]], when).id

    def go_on(self, serial: int, row: Row, step: Row, when: datetime) -> None:
        """Let the seller or the buyer do the next step of the order."""
        number, buyer = self.made[serial], self.users[row["buyer"]].id
        _, seller = self.listings["listing", row["listing"]]
        match step["does"]:
            case "accept":
                answers.accept(self.db, seller, number, when)
            case "send":
                answers.send(self.db, seller, number, step["waybill"], self.lexicon.goods.carriers, when)
            case "got":
                answers.got(self.db, buyer, number, when)
            case "cancel":
                answers.cancel(self.db, buyer, number, when)
            case "complain":
                wanted = asking.NewAfterSale(f"demo-after-sale-{serial}", step["wrong"], step["wish"], step.get("fen"))
                made = asking.ask(self.db, buyer, number, wanted, when)
                picture(self.db, "after_sale", made.id, self.people[row["buyer"]], when)
            case other:
                raise ValueError(f"order {serial} of the demo does {other}")
