"""Whatever buyers, sellers, harvests and the clock do to orders, what a listing holds is what its orders say, to the
gram, and each order costs what its grams do, to the fen."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from models.books.goods.stock import check_stock
from models.books.market.lots import check_lots
from models.books.market.order_money import check_order_money
from models.books.market.orders import check_orders
from models.core.refusal import Refusal
from models.market.after_sales import asking
from models.market.after_sales.after_sale import WISHES, WRONGS
from models.market.after_sales.answers import WORDS, of_order, say
from models.market.after_sales.asking import NewAfterSale
from models.market.after_sales.desk import decide_for
from models.market.listing import Listing
from models.market.lots.harvesting import open_lot, say_harvested
from models.market.lots.lot import lot_of
from models.market.orders import answers
from models.market.orders.order import LASTS, RESERVED, Order
from models.market.orders.pricing import total_of
from models.market.orders.shortfall import open_harvest, reduce_harvest
from models.market.orders.waiting import choose_less, choose_wait
from models.market.submission import set_stock
from models.staff.member import Staff
from tests.harness.erasing import erase_person
from tests.harness.money.checking_books import codes
from tests.harness.stage import Stage
from tests.scenes.market import Market

BUYERS = ("one", "two", "three")
URL: list[str] = []
# What orders, harvests and their stock touch is checked after each step, and all books at the end of a walk.
BOOKS = (check_stock, check_orders, check_lots, check_order_money)


class Orders(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.market = Market(Stage(URL[0]))
        self.start()

    def start(self) -> None:
        """Begin with other people each time: what earlier walks left in the database is checked along with the rest."""
        mark = func.count(Listing.id)
        with self.market.session() as db:
            place = db.scalar(select(mark)) or 0
        if not place:
            self.market.stage.appoint("o-town", "township", "431124101000")
        self.seller = self.market.seller(f"seller{place}")
        self.buyers = [self.market.buyer(f"{name}{place}") for name in BUYERS]
        self.orders: list[int] = []
        # What was ordered or listed, and never came to be.
        self.spoilt = 0

    @initialize(ripe_in=st.sampled_from([None, 5]))
    def lists(self, ripe_in: int | None) -> None:
        """What is there, or is picked in the walk."""
        self.listing = self.market.sell(10_000, by=self.seller, ripe_in=ripe_in)

    def try_(self, act: str, order: int, by: str) -> None:
        with suppress(Refusal), self.market.session() as db:
            getattr(answers, act)(db, self.market.people[by], order, self.market.stage.clock())

    @rule(quantity=st.integers(1, 6_000), buyer=st.integers(0, 2))
    def buys(self, quantity: int, buyer: int) -> None:
        with suppress(Refusal):
            self.orders.append(self.market.order(self.listing, quantity, self.buyers[buyer]))

    @precondition(lambda self: self.orders)
    @rule(act=st.sampled_from(["accept", "decline", "hand_over"]), place=st.integers(0, 99))
    def seller_says(self, act: str, place: int) -> None:
        self.try_(act, self.orders[place % len(self.orders)], self.seller)

    @precondition(lambda self: self.orders)
    @rule(act=st.sampled_from(["cancel", "got"]), place=st.integers(0, 99), buyer=st.integers(0, 2))
    def buyer_says(self, act: str, place: int, buyer: int) -> None:
        self.try_(act, self.orders[place % len(self.orders)], self.buyers[buyer])

    @precondition(lambda self: self.orders)
    @rule(place=st.integers(0, 99))
    def sends(self, place: int) -> None:
        with suppress(Refusal):
            self.market.send(self.orders[place % len(self.orders)], by=self.seller)

    @precondition(lambda self: self.orders)
    @rule(
        place=st.integers(0, 99), buyer=st.integers(0, 2), wrong=st.sampled_from(WRONGS), wish=st.sampled_from(WISHES)
    )
    def something_is_wrong(self, place: int, buyer: int, wrong: str, wish: str) -> None:
        number, by = self.orders[place % len(self.orders)], self.market.people[self.buyers[buyer]]
        wanted = NewAfterSale(str(uuid4()), wrong, "all" if wrong == "unwanted" else wish, 1)
        with suppress(Refusal), self.market.session() as db:
            asking.ask(db, by, number, wanted, self.market.stage.clock())

    @precondition(lambda self: self.orders)
    @rule(place=st.integers(0, 99), buyer=st.integers(0, 2), word=st.sampled_from(sorted(WORDS)))
    def is_answered(self, place: int, buyer: int, word: str) -> None:
        by = self.seller if WORDS[word][0] == "seller" else self.buyers[buyer]
        number = self.orders[place % len(self.orders)]
        with suppress(Refusal), self.market.session() as db:
            say(db, self.market.people[by], number, word, self.market.stage.clock())

    @precondition(lambda self: self.orders)
    @rule(place=st.integers(0, 99), buyer=st.booleans())
    def is_decided(self, place: int, buyer: bool) -> None:
        """By an officer of the township, whose turn it may be."""
        number = self.orders[place % len(self.orders)]
        with suppress(Refusal), self.market.session() as db:
            found = of_order(db, number)
            officer = db.scalars(select(Staff).where(Staff.role == "township").order_by(Staff.id)).first()
            if found and officer:
                decide_for(db, officer, found.id, ["came"], self.market.stage.clock(), buyer=buyer)

    @rule(state=st.sampled_from(sorted(LASTS)))
    def waits(self, state: str) -> None:
        self.market.stage.clock.move(LASTS[state])
        self.market.sweep()

    @rule(available=st.integers(0, 9_000))
    def seller_says_what_is_left(self, available: int) -> None:
        with suppress(Refusal), self.market.session() as db:
            listing = db.get_one(Listing, self.listing)
            if listing.reserved + listing.delivered + available > 0:
                set_stock(db, self.market.people[self.seller], self.listing, available, self.market.stage.clock())

    @rule(permille=st.integers(0, 999))
    def harvest_is_less(self, permille: int) -> None:
        by, now = self.market.people[self.seller], self.market.stage.clock()
        with suppress(Refusal), self.market.session() as db:
            before = open_harvest(db, by, self.listing)
            reduce_harvest(db, by, self.listing, before.total * permille // 1_000, now)
            self.spoilt += before.total - before.total * permille // 1_000

    @rule(permille=st.none() | st.integers(1, 1_500))
    def is_picked(self, permille: int | None) -> None:
        by, now = self.market.people[self.seller], self.market.stage.clock()
        with suppress(Refusal), self.market.session() as db:
            before = open_lot(db, by, self.listing)
            there = None if permille is None else before.total * permille // 1_000
            say_harvested(db, by, self.listing, there, now)
            self.spoilt += max(before.total - there, 0) if there is not None else 0

    @rule()
    def lot_comes_due(self) -> None:
        with self.market.session() as db:
            lot = lot_of(db, self.listing)
            due = lot.due_at if lot else None
        if due:
            self.market.stage.clock.move(max(due - self.market.stage.clock(), timedelta()))
            self.market.sweep()

    @precondition(lambda self: self.orders)
    @rule(place=st.integers(0, 99), buyer=st.integers(0, 2), what=st.sampled_from([choose_less, choose_wait]))
    def buyer_chooses(self, place: int, buyer: int, what: Callable[..., object]) -> None:
        by, number = self.market.people[self.buyers[buyer]], self.orders[place % len(self.orders)]
        with suppress(Refusal), self.market.session() as db:
            what(db, by, number, self.market.stage.clock())

    @rule(buyer=st.integers(0, 2))
    def is_erased(self, buyer: int) -> None:
        name = self.buyers[buyer]
        with self.market.session() as db:
            erase_person(db, self.market.stage.person(f"o-{name}"), self.market.stage.clock())
        self.buyers[buyer] = self.market.buyer(f"{name}x")

    @invariant()
    def grams_are_exact(self) -> None:
        with self.market.session() as db:
            listing = db.get_one(Listing, self.listing)
            orders = db.scalars(select(Order).where(Order.listing_id == self.listing)).all()
            on_its_way = [each for each in orders if each.state == "after_sale" and each.delivered_at is None]
            held = [each for each in orders if each.state in RESERVED] + on_its_way
            lost = [each for each in orders if each.state in ("refunded", "rejected") and each.delivered_at is None]
            assert listing.reserved == sum(each.quantity for each in held)
            assert listing.delivered == sum(each.quantity for each in orders if each.delivered_at)
            assert listing.lost == self.spoilt + sum(each.quantity for each in lost)
            assert listing.delivered + listing.lost <= listing.initial
            for order in orders:
                assert order.total_fen == total_of(order.price_fen, order.quantity, order.unit)
                assert order.wanted is None or order.wanted > order.quantity
                back = of_order(db, order.id)
                assert back is None or (back.part_fen or 0) <= order.total_fen
            assert listing.initial == listing.available + listing.reserved + listing.delivered + listing.lost

    @invariant()
    def books_are_clean(self) -> None:
        now = self.market.stage.clock()
        with self.market.stage.database.connect() as connection:
            assert [wrong for check in BOOKS for wrong in check(connection, now)] == []
        # No two acts are in the same moment.
        self.market.stage.clock.move(timedelta(seconds=1))

    def teardown(self) -> None:
        assert codes(self.market.stage) == []
        self.market.stage.close()


@pytest.mark.slow  # many walks, each a village of its own
class TestOrders:
    def test_walk(self, database_url: str) -> None:
        URL[:] = [database_url]
        run_state_machine_as_test(Orders, settings=settings(max_examples=12, stateful_step_count=25, deadline=None))
