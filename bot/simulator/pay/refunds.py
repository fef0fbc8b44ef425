"""Refunds: accepted at once, done later.

Source: PW/doc/v3/merchant/4012556457 and 4012552567 (limits, one minute between two of an order).
"""

import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.simulator.pay import fields
from bot.simulator.pay.errors import PayError
from bot.simulator.pay.modes import PARTNER
from bot.simulator.pay.moments import in_china, rfc3339
from bot.simulator.pay.orders import Order, Orders
from bot.simulator.pay.words import Words
from bot.simulator.timeline import Timeline

REFUND_NO = r"[0-9A-Za-z_\-|*@]{1,64}"
REFUND_NO_LENGTH = 64
REASON_LENGTH = 80
NOTIFY_URL_LENGTH = 256
LATEST = 365 * 86400.0  # after the payment
PER_ORDER = 50
APART = 60.0  # seconds between two refunds of one order


class Outcome(StrEnum):
    """``ABNORMAL``: the payer's card takes no money; the merchant must act. ``CLOSED``: nothing was paid back."""

    SUCCESS = "SUCCESS"
    ABNORMAL = "ABNORMAL"
    CLOSED = "CLOSED"


@dataclass
class Refund:
    """``state``: PROCESSING, then an Outcome. ``total`` and ``amount`` in fen."""

    order: Order
    refund_id: str
    out_refund_no: str
    amount: int
    notify_url: str
    created: float
    state: str = "PROCESSING"
    done_at: float = 0.0


class Refunds:
    """``seconds``: how long one takes. ``end_with`` decides how the next ones end. ``on_end`` is told of each."""

    def __init__(
        self,
        orders: Orders,
        timeline: Timeline,
        lock: threading.RLock,
        words: Words,
        mchid: str,
        http_on_loopback: bool,
        seconds: float,
        on_end: Callable[[Refund], None],
    ) -> None:
        self._orders = orders
        self._timeline = timeline
        self._lock = lock
        self._words = words
        self._mchid = mchid
        self._http_on_loopback = http_on_loopback
        self._on_end = on_end
        self._refunds: dict[str, Refund] = {}
        self._outcomes: deque[Outcome] = deque()
        self.seconds = seconds

    def end_with(self, outcome: Outcome, times: int = 1) -> None:
        """So many of the next refunds end like this, instead of well."""
        with self._lock:
            self._outcomes.extend([outcome] * times)

    def create(self, asked: dict[str, Any]) -> Refund:
        """The same out_refund_no again gives the same refund. Raises PayError."""
        refund, total = self._read(asked)
        order = refund.order
        with self._lock:
            known = self._refunds.get(refund.out_refund_no)
            if known:
                if known.order is not order or known.amount != refund.amount or total != order.total:
                    raise PayError("INVALID_REQUEST", "not what was asked for under this out_refund_no before")
                return known
            self._check(refund, total)
            self._refunds[refund.out_refund_no] = refund
            order.refunded = True
            outcome = self._outcomes.popleft() if self._outcomes else Outcome.SUCCESS
        self._timeline.after(self.seconds, lambda: self._end(refund, outcome))
        return refund

    def by_number(self, out_refund_no: str, sub_mchid: str = "") -> Refund:
        """``sub_mchid``: whose order it is of. Raises PayError RESOURCE_NOT_EXISTS."""
        with self._lock:
            found = self._refunds.get(out_refund_no)
            if found is None or found.order.sub_mchid != sub_mchid:
                raise PayError("RESOURCE_NOT_EXISTS", "no such refund")
            return found

    def back(self, order: Order) -> int:
        """Fen of an order that went back, or may yet."""
        with self._lock:
            own = (other for other in self._refunds.values() if other.order is order)
            return sum(other.amount for other in own if other.state != Outcome.CLOSED)

    def all(self) -> list[Refund]:
        with self._lock:
            return list(self._refunds.values())

    def shown(self, refund: Refund) -> dict[str, Any]:
        """As the API answers it."""
        with self._lock:
            order, amount = refund.order, refund.amount
            money = {
                "currency": "CNY",
                "discount_refund": 0,
                "payer_refund": amount,
                "payer_total": order.total,
                "refund": amount,
                "settlement_refund": amount,
                "settlement_total": order.total,
                "total": order.total,
            }
            return {
                "amount": money,
                "channel": "ORIGINAL",
                "create_time": rfc3339(refund.created),
                "funds_account": "AVAILABLE",
                "out_refund_no": refund.out_refund_no,
                "out_trade_no": order.out_trade_no,
                "promotion_detail": [],
                "refund_id": refund.refund_id,
                "status": refund.state,
                "transaction_id": order.transaction_id,
                "user_received_account": self._words.received_account,
            } | self._success_time(refund)

    def told(self, refund: Refund) -> dict[str, Any]:
        """As a callback carries it."""
        with self._lock:
            order, amount = refund.order, refund.amount
            money = {"total": order.total, "refund": amount, "payer_total": order.total, "payer_refund": amount}
            mode = order.mode
            parties = {mode.mchid: self._mchid} | ({mode.sub_mchid: order.sub_mchid} if mode.sub_mchid else {})
            return (
                parties
                | {
                    "out_trade_no": order.out_trade_no,
                    "transaction_id": order.transaction_id,
                    "out_refund_no": refund.out_refund_no,
                    "refund_id": refund.refund_id,
                    "refund_status": refund.state,
                    "amount": money,
                    "user_received_account": self._words.received_account,
                }
                | self._success_time(refund)
            )

    def _read(self, asked: dict[str, Any]) -> tuple[Refund, int]:
        amount = fields.part(asked, "amount")
        fields.currency(amount, required=True)
        total = fields.fen(amount, "total")
        out_refund_no = fields.text(asked, "out_refund_no", REFUND_NO_LENGTH, form=REFUND_NO)
        fields.text(asked, "reason", REASON_LENGTH, required=False)
        notify_url = fields.notify_url(asked, NOTIFY_URL_LENGTH, self._http_on_loopback, required=False)
        now = self._timeline()
        refund_id = f"503{secrets.randbelow(10**8):08d}{in_china(now):%Y%m%d}{secrets.randbelow(10**10):010d}"
        order = self._order(asked)
        return Refund(order, refund_id, out_refund_no, fields.fen(amount, "refund"), notify_url, now), total

    def _order(self, asked: dict[str, Any]) -> Order:
        transaction_id = fields.text(asked, "transaction_id", 32, required=False)
        out_trade_no = fields.text(asked, "out_trade_no", 32, required=False)
        if not transaction_id and not out_trade_no:
            raise fields.wrong("out_trade_no", "this or transaction_id is required")
        sub_mchid = self._orders.sub_merchant(asked) if PARTNER.sub_mchid in asked else ""
        try:
            if transaction_id:
                return self._orders.by_transaction(transaction_id, sub_mchid)
            return self._orders.by_number(out_trade_no, sub_mchid)
        except PayError as error:
            raise PayError("RESOURCE_NOT_EXISTS", "no such order") from error

    def _check(self, refund: Refund, total: int) -> None:
        """Raises PayError unless the order's rules allow one more refund of this amount now."""
        order = refund.order
        others = [other for other in self._refunds.values() if other.order is order]
        if not order.transaction_id:
            raise PayError("INVALID_REQUEST", "the order is not paid")
        if total != order.total:
            raise PayError("INVALID_REQUEST", "amount.total is not the order's")
        if refund.created - order.paid_at > LATEST:
            raise PayError("INVALID_REQUEST", "the payment is more than 365 days ago")
        if refund.amount + self.back(order) > order.total:
            raise PayError("INVALID_REQUEST", "more than what is left of the order")
        if len(others) >= PER_ORDER:
            raise PayError("INVALID_REQUEST", f"at most {PER_ORDER} refunds of an order")
        if others and refund.created - others[-1].created < APART:
            raise PayError("FREQUENCY_LIMITED", "one minute between two refunds of an order")

    def _end(self, refund: Refund, outcome: Outcome) -> None:
        with self._lock:
            refund.state = outcome
            refund.done_at = self._timeline()
            standing = [other for other in self._refunds.values() if other.order is refund.order]
            refund.order.refunded = any(other.state != Outcome.CLOSED for other in standing)
        self._on_end(refund)

    def _success_time(self, refund: Refund) -> dict[str, str]:
        return {"success_time": rfc3339(refund.done_at)} if refund.state == Outcome.SUCCESS else {}
