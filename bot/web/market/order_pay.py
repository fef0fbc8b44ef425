"""Say what the page shows at which a buyer pays an order to its seller, and which state it is in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.market.payments import OrderPaymentDesk
from models.market.listing import Listing
from models.market.money.paying import OrderNotPayable, check_payable
from models.market.money.payment import live_payment, paid_payments
from models.market.orders.order import Order
from models.organisations.organisation import organisation_of
from models.places.region import Region


@dataclass(frozen=True, slots=True)
class PayableOrder:
    """An order as the page to pay at has it (bot.web.payments.sheet.Payable)."""

    desk: OrderPaymentDesk

    link: ClassVar[str] = "order_pay"
    path: ClassVar[str] = "/pay/orders"
    template: ClassVar[str] = "market/order_pay"

    @property
    def database(self) -> Engine:
        return self.desk.database

    def payer_id(self, db: Session, number: int) -> int | None:
        order = db.get(Order, number)
        return order.buyer_id if order else None

    def state(self, db: Session, number: int, now: datetime) -> str:
        """Return the page's state: ready (to be paid), paid, back (it is refunded), reserved (paid by hand), over."""
        order = db.get_one(Order, number)
        if order.paid_at and order.state != "cancelled":
            return "paid"
        try:
            check_payable(db, order, now)
        except OrderNotPayable:
            if paid_payments(db, order.id):
                return "back"
            return "over" if order.state in ("awaiting_payment", "cancelled") else "reserved"
        return "ready"

    def values(self, db: Session, number: int, now: datetime) -> Mapping[str, Any]:
        order = db.get_one(Order, number)
        organisation = organisation_of(db, order.household_id)
        return {
            "order": order,
            "seller": organisation.name if organisation else None,
            "place": db.get_one(Region, db.get_one(Listing, order.listing_id).region_code).full_name,
        }

    def place(self, number: int, openid: str, sent: Any) -> Mapping[str, str]:
        return self.desk.place(number, openid)

    def refresh(self, number: int) -> None:
        with Session(self.database) as db:
            live = live_payment(db, number)
        if live:
            self.desk.refresh(live.id)
