"""The pay sheet on a person's phone: what WeixinJSBridge's getBrandWCPayRequest shows, and says in the end."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.simulator.pay.keys import KeySource
from bot.simulator.pay.orders import PREPAY_LIFE, Order, Orders
from bot.simulator.pay.signing import is_signed
from bot.simulator.sealing import same
from bot.simulator.timeline import Timeline

OK = "get_brand_wcpay_request:ok"
CANCEL = "get_brand_wcpay_request:cancel"
FAIL = "get_brand_wcpay_request:fail"
ASKED = ("appId", "timeStamp", "nonceStr", "package", "signType", "paySign")
NONCE_LENGTH = 32
# How phones behave; nowhere written.
PIN_TRIES = 5
LOCKED_FOR = 3 * 3600.0


class Refused(Exception):
    """The phone shows no sheet, or takes no money; the web page hears ``FAIL``. ``reason`` says why:

    missing_parameter, wrong_app, bad_sign_type, bad_timestamp, bad_signature, unknown_prepay, prepay_expired,
    other_payer, paid, closed, paying, order_expired, locked.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.err_msg = FAIL


@dataclass(frozen=True)
class Sheet:
    """``total`` in fen."""

    prepay_id: str
    out_trade_no: str
    payee: str
    description: str
    total: int


@dataclass(frozen=True)
class Result:
    """``err_msg``: what the web page hears; empty while the sheet stays open.

    ``reason``: wrong_pin (``tries_left`` says how often again), paying (the bank is slow), or as in Refused.
    """

    err_msg: str
    reason: str = ""
    tries_left: int = PIN_TRIES


class Phone:
    """``bank_seconds``: how long a payment takes after the PIN. ``on_paid`` is told of every payment.

    ``payee``: who is paid, as the sheet says it.
    """

    def __init__(
        self,
        orders: Orders,
        timeline: Timeline,
        lock: threading.RLock,
        keys: KeySource,
        app_id: str,
        payee: Callable[[Order], str],
        pin: str,
        on_paid: Callable[[Order], None],
    ) -> None:
        self._orders = orders
        self._timeline = timeline
        self._lock = lock
        self._keys = keys
        self._app_id = app_id
        self._payee = payee
        self._pin = pin
        self._on_paid = on_paid
        self._misses: dict[str, int] = {}
        self._locked_until: dict[str, float] = {}
        self.bank_seconds = 0.0

    def sheet(self, openid: str, asked: Mapping[str, str]) -> Sheet:
        """``asked``: what the web page gave to getBrandWCPayRequest, field by field. Raises Refused."""
        if not all(isinstance(asked.get(name), str) and asked[name] for name in ASKED):
            raise Refused("missing_parameter")
        if asked["appId"] != self._app_id:
            raise Refused("wrong_app")
        if asked["signType"] != "RSA":
            raise Refused("bad_sign_type")
        if not re.fullmatch(r"\d{10}", asked["timeStamp"], re.ASCII):  # seconds; milliseconds are a common mistake
            raise Refused("bad_timestamp")
        lines = (asked["appId"], asked["timeStamp"], asked["nonceStr"], asked["package"])
        public = self._keys().merchant.key.public_key()
        if len(asked["nonceStr"]) > NONCE_LENGTH or not is_signed(public, asked["paySign"], *lines):
            raise Refused("bad_signature")
        name, _, prepay_id = asked["package"].partition("=")
        if name != "prepay_id":
            raise Refused("unknown_prepay")
        with self._lock:
            order = self._payable(openid, prepay_id)
        return Sheet(prepay_id, order.out_trade_no, self._payee(order), order.description, order.total)

    def pay(self, openid: str, prepay_id: str, pin: str) -> Result:
        """The callback follows from the timeline."""
        with self._lock:
            try:
                order = self._payable(openid, prepay_id)
            except Refused as refused:
                return Result(FAIL, refused.reason, self._tries_left(openid))
            if not same(pin, self._pin):
                return self._miss(openid)
            self._misses.pop(openid, None)
            if self.bank_seconds:
                order.paying = True
                self._timeline.after(self.bank_seconds, lambda: self._settle(order))
                return Result("", "paying")
            self._settle(order)
            return Result(OK)

    def cancel(self, openid: str, prepay_id: str) -> Result:
        """The person closes the sheet; the order can still be paid."""
        return Result(CANCEL, "", self._tries_left(openid))

    def state(self, prepay_id: str) -> str:
        """NOTPAY, USERPAYING, SUCCESS, REFUND, CLOSED; empty where there is no such order."""
        order = self._orders.by_prepay(prepay_id)
        if order is None:
            return ""
        return "USERPAYING" if order.paying else order.state

    def _payable(self, openid: str, prepay_id: str) -> Order:
        """Raises Refused."""
        now = self._timeline()
        order = self._orders.by_prepay(prepay_id)
        if order is None:
            raise Refused("unknown_prepay")
        reasons = {
            "other_payer": order.openid != openid,
            "paid": bool(order.transaction_id),
            "closed": order.closed,
            "paying": order.paying,
            "prepay_expired": now - order.prepays[prepay_id] >= PREPAY_LIFE,
            "order_expired": order.expires is not None and now >= order.expires,
            "locked": now < self._locked_until.get(openid, 0.0),
        }
        for reason, holds in reasons.items():
            if holds:
                raise Refused(reason)
        return order

    def _miss(self, openid: str) -> Result:
        self._misses[openid] = self._misses.get(openid, 0) + 1
        if self._misses[openid] < PIN_TRIES:
            return Result("", "wrong_pin", self._tries_left(openid))
        del self._misses[openid]
        self._locked_until[openid] = self._timeline() + LOCKED_FOR
        return Result(FAIL, "locked", 0)

    def _tries_left(self, openid: str) -> int:
        if self._timeline() < self._locked_until.get(openid, 0.0):
            return 0
        return PIN_TRIES - self._misses.get(openid, 0)

    def _settle(self, order: Order) -> None:
        with self._lock:
            self._orders.settle(order)
        self._on_paid(order)
