"""Releases (解冻剩余资金): all that is left frozen of an order becomes its sub-merchant's own.

Source: PW/doc/v3/partner/4012466860. An order freezes where it says ``profit_sharing``; a refund takes from what is
frozen.
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.simulator.pay import fields
from bot.simulator.pay.errors import PayError
from bot.simulator.pay.moments import in_china, rfc3339
from bot.simulator.pay.options import PayOptions
from bot.simulator.pay.orders import Order, Orders
from bot.simulator.timeline import Timeline

RELEASE_NO = r"[0-9A-Za-z_\-|*@]{1,64}"
RELEASE_NO_LENGTH = 64
DESCRIPTION_LENGTH = 80


@dataclass
class Release:
    """``amount`` in fen. ``state``: PROCESSING, then FINISHED."""

    order: Order
    order_id: str
    out_order_no: str
    description: str
    amount: int
    created: float
    state: str = "PROCESSING"
    done_at: float = 0.0


class Releases:
    """``back``: how many fen of an order went back, or may yet. ``own``: how long a freeze and a release take."""

    def __init__(
        self,
        orders: Orders,
        back: Callable[[Order], int],
        timeline: Timeline,
        lock: threading.RLock,
        own: PayOptions,
    ) -> None:
        self._orders = orders
        self._back = back
        self._timeline = timeline
        self._lock = lock
        self._releases: dict[str, Release] = {}
        self.seconds = own.release_seconds
        self._lasts = own.freeze_days * 86_400

    def create(self, asked: dict[str, Any]) -> Release:
        """The same number again is the same release. Raises PayError; NOT_ENOUGH where nothing is frozen."""
        sub_mchid = fields.text(asked, "sub_mchid", 32)
        transaction_id = fields.text(asked, "transaction_id", 32)
        out_order_no = fields.text(asked, "out_order_no", RELEASE_NO_LENGTH, form=RELEASE_NO)
        description = fields.text(asked, "description", DESCRIPTION_LENGTH)
        order = self._orders.by_transaction(transaction_id, sub_mchid)
        with self._lock:
            known = self._releases.get(out_order_no)
            if known:
                if known.order is not order or known.description != description:
                    raise PayError("INVALID_REQUEST", "not what was asked for under this out_order_no before")
                return known
            if not order.freezes:
                raise PayError("INVALID_REQUEST", "the order froze nothing")
            frozen = self.frozen(order)
            if not frozen:
                raise PayError("NOT_ENOUGH", "nothing of the order is frozen")
            now = self._timeline()
            order_id = f"3008{secrets.randbelow(10**6):06d}{in_china(now):%Y%m%d}{secrets.randbelow(10**10):010d}"
            release = Release(order, order_id, out_order_no, description, frozen, now)
            self._releases[out_order_no] = release
        self._timeline.after(self.seconds, lambda: self._end(release))
        return release

    def frozen(self, order: Order) -> int:
        """Fen that neither went back nor were released, by a request or by time."""
        with self._lock:
            released = any(each.order is order for each in self._releases.values())
            released = released or self._timeline() >= order.paid_at + self._lasts
            return 0 if released or not order.transaction_id or not order.freezes else order.total - self._back(order)

    def find(self, out_order_no: str, sub_mchid: str, transaction_id: str) -> Release:
        """Raises PayError RESOURCE_NOT_EXISTS."""
        with self._lock:
            found = self._releases.get(out_order_no)
            if found is None or (found.order.sub_mchid, found.order.transaction_id) != (sub_mchid, transaction_id):
                raise PayError("RESOURCE_NOT_EXISTS", "no such release")
            return found

    def shown(self, release: Release) -> dict[str, Any]:
        """As the API answers it."""
        with self._lock:
            done = release.state == "FINISHED"
            receiver = {
                "account": release.order.sub_mchid,
                "amount": release.amount,
                "create_time": rfc3339(release.created),
                "description": release.description,
                "detail_id": release.order_id,
                "result": "SUCCESS" if done else "PENDING",
                "type": "MERCHANT_ID",
            } | ({"finish_time": rfc3339(release.done_at)} if done else {})
            return {
                "order_id": release.order_id,
                "out_order_no": release.out_order_no,
                "receivers": [receiver],
                "state": release.state,
                "sub_mchid": release.order.sub_mchid,
                "transaction_id": release.order.transaction_id,
            }

    def _end(self, release: Release) -> None:
        with self._lock:
            release.state, release.done_at = "FINISHED", self._timeline()
