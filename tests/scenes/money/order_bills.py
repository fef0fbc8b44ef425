"""A stall, the simulator of WeChat Pay and the stage at once, with one clock for all: orders, and bills of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy.orm import Session as Database

from bot.market.bills import fetch_order_bills
from bot.market.payments import OrderPaymentIntake
from bot.market.transfers import send_transfer
from bot.pay.partner import PartnerClients
from bot.pay.signatures import PlatformKeys, Signer
from bot.simulator.pay.orders import Order as PlatformOrder
from bot.simulator.pay.phone import OK
from config.pay import PlatformKey
from models.market.money.payment import OrderPayment
from models.market.money.seller_accounts import ORDERS
from models.market.money.transfer import OrderTransfer
from models.treasury.bill import Bill, BillDay, number_of
from models.treasury.due_bills import add_bill_days
from tests.harness.money.merchant import NOTIFY, OPTIONS, PIN, Merchant
from tests.harness.money.partner import at_url, partnering
from tests.harness.stage import Stage
from tests.scenes.money.bills import AT, TODAY, Handed
from tests.scenes.money.stall import COOP, Stall


@dataclass
class Counter:
    """The bot's side of the partner's account: payments and refunds through the real client, and what it hears."""

    stage: Stage
    stall: Stall
    merchant: Merchant
    clients: PartnerClients
    handed: Handed = field(default_factory=Handed)

    def move(self, by: timedelta) -> None:
        """The platform's clock and ours."""
        self.merchant.simulator.timeline.move(by.total_seconds())
        self.stage.clock.move(by)

    def sell(self, grams: int = 10_000, *, paid: bool = True) -> OrderPayment:
        """The payment of an order, which was paid in the pay sheet, and nobody has told us yet."""
        payment = self.stall.asked(self.stall.order(grams))
        client = self.clients.of(payment.sub_merchant)
        prepay_id = client.order(payment.out_trade_no, payment.amount_fen, "oAunt", "脐橙")
        if paid:
            assert self.merchant.simulator.pay.pay("oAunt", prepay_id, PIN).err_msg == OK
        return payment

    def hear(self, payment: OrderPayment) -> None:
        trade = self.clients.of(payment.sub_merchant).query(payment.out_trade_no)
        OrderPaymentIntake(self.stage.database, self.handed).apply(trade, self.stage.clock())

    def sold(self, grams: int = 10_000) -> OrderPayment:
        payment = self.sell(grams)
        self.hear(payment)
        return payment

    def give_back(self, payment: OrderPayment) -> OrderTransfer:
        """The seller declines: asked for, and not heard of since."""
        self.stall.act("decline", payment.order_id)
        (back,) = self.stall.transfers(payment.order_id)
        self.send(back)
        return back

    def send(self, transfer: OrderTransfer) -> None:
        send_transfer(self.stage.database, self.clients, self.handed, transfer.id, self.stage.clock)

    def platform_order(self, payment: OrderPayment) -> PlatformOrder:
        return self.merchant.simulator.pay.orders.by_number(payment.out_trade_no, payment.sub_merchant)

    def stranger(self, fen: int = 800) -> str:
        """Something was paid to the cooperative that is none of our orders; its number."""
        number, client = f"STRANGE{fen:06d}", self.clients.of(COOP)
        prepay_id = client.order(number, fen, "oAunt", "别的")
        assert self.merchant.simulator.pay.pay("oAunt", prepay_id, PIN).err_msg == OK
        return number

    def compare(self, day: date = TODAY) -> None:
        """What the scheduler and the worker do in the morning."""
        with Database(self.stage.database) as db, db.begin():
            add_bill_days(db, ORDERS, ORDERS.numbers(), self.stage.clock())
        fetch_order_bills(self.stage.database, self.clients, self.handed, number_of(day), self.stage.clock)

    def day(self, day: date = TODAY, account: str = COOP) -> BillDay:
        with Database(self.stage.database) as db:
            return db.get_one(BillDay, Bill(account, day))


@contextmanager
def order_counter(stage: Stage) -> Iterator[Counter]:
    stage.clock.now = AT
    stall = Stall(stage)
    stall.take_payment()
    with partnering() as merchant, at_url(merchant) as url:
        own = merchant.own
        keys = PlatformKeys(PlatformKey(serial, key) for serial, key in own.platform.items())
        signer = Signer(own.mchid, own.serial, own.private)
        given = {"api_url": url, "app_id": OPTIONS.app_id, "notify_url": NOTIFY, "signer": signer, "keys": keys}
        clients = PartnerClients({**given, "clock": lambda: AT})
        try:
            yield Counter(stage, stall, merchant, clients)
        finally:
            clients.close()
