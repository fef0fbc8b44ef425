"""Play the demo's gifts (config/demo/appeals.toml): each is promised, ordered and paid as a donor's is on the phone."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.calendar import CHINA
from models.giving.pledge import Pledge, make_pledge
from models.payments.collection import apply_payment, await_payment, begin_order, demand_merchant
from models.payments.order import PayOrder
from models.payments.platform_order import Payment, keep_prepaid
from models.people.user import User

Row = dict[str, Any]
# In days: how long a donor took from the promise to the PIN.
_PAID_AFTER = 3 / (24 * 60)


class Gifts:
    """Play the gifts. ``users`` and ``appeals`` (by their serials in the file) fill up as they come to be."""

    def __init__(self, db: Session, users: dict[str, User], appeals: dict[int, Appeal]) -> None:
        self.db, self.users, self.appeals = db, users, appeals
        self.orders: dict[tuple[int, int], PayOrder] = {}

    def happenings(self, serial: int, rows: list[Row]) -> Iterator[tuple[float, partial[None]]]:
        """Yield each promise and payment with its day; one with ``paid = false`` stays a promise, without an order."""
        for number, row in enumerate(rows, 1):
            yield row["days_ago"], partial(self.promise, serial, number, row)
            if row.get("paid", True):
                yield row["days_ago"] - _PAID_AFTER, partial(self.pay, serial, number)

    def promise(self, serial: int, number: int, row: Row, when: datetime) -> None:
        """Promise the gift, and open its page to pay unless it stays unpaid."""
        draft_id, anonymous = f"demo-pledge-{serial}-{number}", row.get("anonymous", False)
        appeal = self.appeals[serial]
        pledge = make_pledge(self.db, draft_id, appeal, self.users[row["donor"]], row["fen"], anonymous, when)
        await_payment(self.db, pledge, appeal, when)
        if row.get("paid", True):
            self.orders[serial, number] = self._order(pledge, appeal, when)

    def pay(self, serial: int, number: int, when: datetime) -> None:
        order = self.orders[serial, number]
        here = when.astimezone(CHINA)
        payment = Payment(
            merchant=order.merchant,
            out_trade_no=order.out_trade_no,
            # In the platform's form, with a part that is never drawn there.
            transaction_id=f"4200000000{here:%Y%m%d}{order.id:010d}",
            fen=order.amount_fen,
            paid_at=when,
        )
        apply_payment(self.db, payment, when)

    def _order(self, pledge: Pledge, appeal: Appeal, when: datetime) -> PayOrder:
        order = begin_order(self.db, demand_merchant(self.db, appeal), pledge.id, when)
        return keep_prepaid(self.db, PayOrder, order.id, f"wx{when.astimezone(CHINA):%d%H%M%S}{order.id:026d}", when)
