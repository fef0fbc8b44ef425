"""A stall on the stage whose seller is paid by WeChat Pay: ordered, paid and sent by the models alone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session as Database

from models.books.market.order_money import check_order_money
from models.core.database import snapshot
from models.market.after_sales.answers import say
from models.market.after_sales.asking import NewAfterSale, ask
from models.market.after_sales.clock import end_overdue_after_sales, remind_of_after_sales
from models.market.listing import Listing
from models.market.money.account import OrderAccount, account_of
from models.market.money.paying import AppliedPaid, apply_paid, begin_payment
from models.market.money.payment import OrderPayment
from models.market.money.sending import SentOutcome, Word, apply_word, begin_submission
from models.market.money.sub_merchant import Owner, add_sub_merchant
from models.market.money.transfer import OrderTransfer
from models.market.orders import answers
from models.market.orders.clock import complete_delivered, end_overdue_orders
from models.market.orders.order import Order
from models.market.orders.placing import NewOrder, place_order
from models.market.submission import NewListing
from models.notifications.notification import Notification
from models.payments.platform_order import Payment, keep_prepaid
from models.people.conversation import Conversation
from models.people.user import User
from tests.harness.stage import Stage
from tests.scenes.goods import GUANGZHOU, sold

COOP, OTHER = "1900000110", "1900000111"
TOTAL = 7_000
_serial = count(1)


@dataclass
class Stall:
    """``o-seller`` sells 200 斤 of oranges at ¥3.50; the buyer orders 20 斤."""

    stage: Stage
    buyer_openid: str = "o-buyer"
    seller_openid: str = "o-seller"
    seller: int = 0
    buyer: int = 0
    listing: int = 0
    database: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.database = self.stage.database.execution_options(frozen_for=timedelta(days=180))
        self.seller = self.stage.register(self.seller_openid, "resident")
        self.buyer = self.stage.register(self.buyer_openid, "donor")
        wanted = NewListing(f"oranges-{next(_serial)}", "produce", "道县脐橙", "jin", 350, 100_000, None, None)
        with self.session() as db:
            self.listing = sold(db, wanted, db.get_one(User, self.seller), self.stage.clock()).id

    @contextmanager
    def session(self) -> Iterator[Database]:
        with Database(self.database, expire_on_commit=False) as db, db.begin():
            yield db

    def take_payment(self, number: str = COOP) -> None:
        with self.session() as db:
            add_sub_merchant(db, Owner("user", self.seller), number, self.stage.clock())

    def order(self, grams: int = 10_000) -> int:
        wanted = NewOrder(
            draft_id=f"order-{next(_serial)}",
            listing_id=self.listing,
            quantity=grams,
            unit="jin",
            price_fen=350,
            fresh=True,
            recipient="王秀兰",
            phone="13800000001",
            region_code=GUANGZHOU,
            address="天河路1号",
        )
        with self.session() as db:
            return place_order(db, wanted, db.get_one(User, self.buyer), self.stage.clock()).id

    def asked(self, order: int) -> OrderPayment:
        """Its payment, with a prepay_id."""
        with self.session() as db:
            payment = begin_payment(db, order, self.stage.clock())
            return keep_prepaid(db, OrderPayment, payment.id, f"wx{payment.id}", self.stage.clock())

    def report(self, payment: OrderPayment, **changes: Any) -> AppliedPaid:
        """What the platform says of a payment that came."""
        fields = {
            "merchant": payment.sub_merchant,
            "out_trade_no": payment.out_trade_no,
            "transaction_id": f"42000{payment.id:09d}",
            "fen": payment.amount_fen,
            "paid_at": self.stage.clock(),
        }
        with self.session() as db:
            return apply_paid(db, Payment(**fields | changes), self.stage.clock())  # type: ignore[arg-type]

    def paid(self, grams: int = 10_000) -> int:
        """An order that is paid."""
        order = self.order(grams)
        self.report(self.asked(order))
        return order

    def act(self, name: str, order: int, who: str = "seller") -> None:
        """What the seller or the buyer does: accept, decline, hand_over, cancel, got."""
        with self.session() as db:
            getattr(answers, name)(db, getattr(self, who), order, self.stage.clock())

    def dispute(self, order: int, wrong: str = "spoiled", wish: str = "part", fen: int | None = 1_001) -> None:
        """The buyer says what was wrong with it."""
        wanted = NewAfterSale(f"wrong-{next(_serial)}", wrong, wish, fen)
        with self.session() as db:
            ask(db, self.buyer, order, wanted, self.stage.clock())

    def say(self, order: int, word: str, who: str = "seller") -> None:
        """A word of either side about what was wrong."""
        with self.session() as db:
            say(db, getattr(self, who), order, word, self.stage.clock())

    def end_overdue(self) -> int:
        with self.session() as db:
            return end_overdue_orders(db, self.stage.clock()) + complete_delivered(db, self.stage.clock())

    def end_after_sales(self) -> None:
        with self.session() as db:
            end_overdue_after_sales(db, self.stage.clock())
            remind_of_after_sales(db, self.stage.clock())

    def state(self, order: int) -> str:
        with self.session() as db:
            return db.get_one(Order, order).state

    def account(self, order: int) -> tuple[int, int, int, int]:
        """Promised, paid, released, returned."""
        with self.session() as db:
            found: OrderAccount = account_of(db, order)
            return found.promised_fen, found.paid_fen, found.released_fen, found.returned_fen

    def transfers(self, order: int) -> list[OrderTransfer]:
        with self.session() as db:
            theirs = select(OrderTransfer).where(OrderTransfer.order_id == order)
            return list(db.scalars(theirs.order_by(OrderTransfer.id)))

    def send(self, transfer: OrderTransfer, state: str = "done", **changes: Any) -> SentOutcome:
        """Ask for a transfer, and hear this of it."""
        with self.session() as db:
            submission = begin_submission(db, transfer.id, self.stage.clock())
        assert submission is not None
        fields = {"sub_merchant": COOP, "number": submission.number, "state": state, "fen": submission.fen}
        return self.hear(Word(**fields | changes))  # type: ignore[arg-type]

    def hear(self, word: Word) -> SentOutcome:
        with self.session() as db:
            return apply_word(db, word, self.stage.clock())

    def told(self, openid: str) -> list[tuple[str, dict[str, Any]]]:
        with self.session() as db:
            own = select(Conversation.id).where(Conversation.openid == openid)
            found = select(Notification).where(Notification.conversation_id.in_(own)).order_by(Notification.id)
            return [(each.template, json.loads(each.facts)) for each in db.scalars(found)]

    def left(self) -> tuple[int, int, int]:
        """Grams available, reserved, delivered."""
        with self.session() as db:
            listing = db.get_one(Listing, self.listing)
            return listing.available, listing.reserved, listing.delivered

    def books(self) -> set[str]:
        """What check-books finds about the money of orders."""
        with snapshot(self.stage.settings.database_url) as connection:
            return {found.code for found in check_order_money(connection, self.stage.clock())}
