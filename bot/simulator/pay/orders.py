"""JSAPI orders: made, paid, closed, asked for.

Source: PW/docs/merchant/products/jsapi-payment/apilist.html and, for closing, PW/doc/v3/merchant/4012556398.
"""

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.simulator.pay import fields
from bot.simulator.pay.errors import PayError
from bot.simulator.pay.modes import DIRECT, PARTNER, Mode
from bot.simulator.pay.moments import in_china, read_rfc3339, rfc3339
from bot.simulator.pay.paid import PaidOrder
from bot.simulator.pay.words import Words

TRADE_NO = r"[0-9A-Za-z_\-|*]{6,32}"
TRADE_NO_LENGTH = 32
DESCRIPTION_LENGTH = 127
ATTACH_LENGTH = 128
NOTIFY_URL_LENGTH = 255
EXPIRE_AHEAD = 60.0  # time_expire is at least a minute ahead
PREPAY_LIFE = 7200.0  # PW/wiki/doc/apiv3/apis/chapter5_1_8
CLOSE_AFTER = 300.0  # an order can be closed five minutes after it was made
BANK = "OTHERS"


@dataclass
class Order:
    """``expires`` is by the platform's clock; ``refunded``: a refund stands, or may yet.

    ``sub_mchid``: the sub-merchant that is paid; empty: the merchant itself. ``freezes``: until it is released.
    """

    asked: dict[str, Any]
    """The request as it came: another order of the same number must have the same."""
    out_trade_no: str
    description: str
    attach: str
    notify_url: str
    total: int
    openid: str
    created: float
    expires: float | None
    prepays: dict[str, float] = field(default_factory=dict)
    paying: bool = False
    closed: bool = False
    transaction_id: str = ""
    paid_at: float = 0.0
    refunded: bool = False
    sub_mchid: str = ""
    freezes: bool = False

    @property
    def mode(self) -> Mode:
        return PARTNER if self.sub_mchid else DIRECT

    @property
    def state(self) -> str:
        if self.transaction_id:
            return "REFUND" if self.refunded else "SUCCESS"
        return "CLOSED" if self.closed else "NOTPAY"


class Orders:
    """``lock`` is shared with all that changes orders. ``behind``: by how much the merchant's server is behind.

    ``sub_merchants``: number -> name, for whom the merchant may sign; taking one out ends that.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        behind: Callable[[], float],
        lock: threading.RLock,
        words: Words,
        app_id: str,
        mchid: str,
        knows: Callable[[str], bool],
        http_on_loopback: bool,
        sub_merchants: Mapping[str, str],
    ) -> None:
        self.sub_merchants = dict(sub_merchants)
        self._clock = clock
        self._behind = behind
        self._lock = lock
        self._words = words
        self._app_id = app_id
        self._mchid = mchid
        self._knows = knows
        self._http_on_loopback = http_on_loopback
        self._orders: dict[str, Order] = {}
        self._by_prepay: dict[str, Order] = {}
        self._by_transaction: dict[str, Order] = {}

    def create(self, asked: dict[str, Any], mode: Mode = DIRECT) -> str:
        """The prepay_id. The same request again gives a fresh one. Raises PayError."""
        order = self._read(asked, mode)
        with self._lock:
            known = self._orders.get(order.out_trade_no)
            if known:
                _check_again(known, asked)
            order = self._orders.setdefault(order.out_trade_no, order)
            now = self._clock()
            prepay_id = f"wx{in_china(now):%d%H%M%S}{secrets.token_hex(13)}"
            order.prepays[prepay_id] = now
            self._by_prepay[prepay_id] = order
            return prepay_id

    def close(self, out_trade_no: str, sub_mchid: str = "") -> None:
        """Raises PayError ORDERPAID, USERPAYING, INVALID_REQUEST (too soon).

        A number that was never ordered is closed as well (DWc 000ac25b728328e60221a8d536b000), and again is harmless.
        """
        with self._lock:
            order = self._orders.get(out_trade_no)
            if order is None or order.closed or order.sub_mchid != sub_mchid:
                return
            if order.transaction_id:
                raise PayError("ORDERPAID", "the order is paid")
            if order.paying:
                raise PayError("USERPAYING", "the payer is paying just now")
            if self._clock() - order.created < CLOSE_AFTER:
                raise PayError("INVALID_REQUEST", "an order can be closed five minutes after it was made")
            order.closed = True

    def by_number(self, out_trade_no: str, sub_mchid: str = "") -> Order:
        """Return the order of this number that pays this sub-merchant, or, where none is given, the merchant itself.

        Raises PayError ORDER_NOT_EXIST.
        """
        with self._lock:
            return _own(self._orders.get(out_trade_no), sub_mchid)

    def by_transaction(self, transaction_id: str, sub_mchid: str = "") -> Order:
        """Return the paid order of this transaction; ``sub_mchid`` is the sub-merchant that it paid, or empty.

        Raises PayError ORDER_NOT_EXIST.
        """
        with self._lock:
            return _own(self._by_transaction.get(transaction_id), sub_mchid)

    def by_prepay(self, prepay_id: str) -> Order | None:
        with self._lock:
            return self._by_prepay.get(prepay_id)

    def all(self) -> list[Order]:
        """In the order in which they were made."""
        with self._lock:
            return list(self._orders.values())

    def settle(self, order: Order) -> None:
        """The money has moved."""
        now = self._clock()
        order.paying = False
        order.paid_at = now
        order.transaction_id = (
            f"4200{secrets.randbelow(10**6):06d}{in_china(now):%Y%m%d}{secrets.randbelow(10**10):010d}"
        )
        self._by_transaction[order.transaction_id] = order

    def shown(self, order: Order) -> dict[str, Any]:
        """As a query answers and a callback carries it."""
        with self._lock:
            common = self._parties(order) | {
                "out_trade_no": order.out_trade_no,
                "promotion_detail": [],
                "trade_state": order.state,
                "trade_state_desc": self._words.trade_state(order.state),
            }
            if not order.transaction_id:
                return {"amount": {"currency": "CNY", "total": order.total}} | common
            amount = {"currency": "CNY", "payer_currency": "CNY", "payer_total": order.total, "total": order.total}
            return common | {
                "amount": amount,
                "attach": order.attach,
                "bank_type": BANK,
                "payer": {order.mode.openid: order.openid},
                "success_time": rfc3339(order.paid_at),
                "trade_type": "JSAPI",
                "transaction_id": order.transaction_id,
            }

    def remember(self, paid: Iterable[PaidOrder]) -> None:
        """Know these as paid, without a callback: the merchant's server has heard of them."""
        with self._lock:
            for known in paid:
                order = Order(
                    asked={},
                    out_trade_no=known.out_trade_no,
                    description=known.description,
                    attach="",
                    notify_url=known.notify_url,
                    total=known.total,
                    openid=known.openid,
                    created=known.created,
                    expires=None,
                    transaction_id=known.transaction_id,
                    paid_at=known.paid_at,
                    sub_mchid=known.sub_mchid,
                    freezes=known.freezes,
                )
                self._orders[order.out_trade_no] = self._by_transaction[order.transaction_id] = order

    def sub_merchant(self, given: Mapping[str, Any]) -> str:
        """The sub-merchant that a request names. Raises PayError; NO_AUTH where the merchant may not sign for it."""
        sub_mchid = fields.text(dict(given), PARTNER.sub_mchid, 32)
        if sub_mchid not in self.sub_merchants:
            raise PayError("NO_AUTH", "the partner may not sign for this sub_mchid")
        return sub_mchid

    def _parties(self, order: Order) -> dict[str, Any]:
        mode = order.mode
        own = {mode.app_id: self._app_id, mode.mchid: self._mchid}
        return own | ({mode.sub_mchid: order.sub_mchid} if mode.sub_mchid else {})

    def _read(self, asked: dict[str, Any], mode: Mode) -> Order:
        if fields.text(asked, mode.mchid, 32) != self._mchid:
            raise fields.wrong(mode.mchid, "not the one that signed")
        if fields.text(asked, mode.app_id, 32) != self._app_id:
            raise PayError("APPID_MCHID_NOT_MATCH", "appid and mchid do not match")
        sub_mchid = self.sub_merchant(asked) if mode.sub_mchid else ""
        amount = fields.part(asked, "amount")
        fields.currency(amount)
        openid = fields.text(fields.part(asked, "payer"), mode.openid, 128)
        if not self._knows(openid):
            raise fields.wrong(f"payer.{mode.openid}", "no such person")
        return Order(
            asked=asked,
            out_trade_no=fields.text(asked, "out_trade_no", TRADE_NO_LENGTH, form=TRADE_NO),
            description=fields.text(asked, "description", DESCRIPTION_LENGTH),
            attach=fields.text(asked, "attach", ATTACH_LENGTH, required=False),
            notify_url=fields.notify_url(asked, NOTIFY_URL_LENGTH, self._http_on_loopback),
            total=fields.fen(amount, "total"),
            openid=openid,
            created=self._clock(),
            expires=self._expires(fields.text(asked, "time_expire", 64, required=False)),
            sub_mchid=sub_mchid,
            freezes=bool(sub_mchid) and fields.truth(asked.get("settle_info") or {}, "profit_sharing"),
        )

    def _expires(self, written: str) -> float | None:
        """What the merchant's server writes is by its own clock, which may be behind the platform's."""
        if not written:
            return None
        try:
            moment = read_rfc3339(written) + self._behind()
        except ValueError as error:
            raise fields.wrong("time_expire", "RFC 3339 with a time zone is required") from error
        if moment - self._clock() < EXPIRE_AHEAD:
            raise fields.wrong("time_expire", "at least a minute ahead")
        return moment


def _own(order: Order | None, sub_mchid: str) -> Order:
    """Raises PayError ORDER_NOT_EXIST unless there is this order, and it is this sub-merchant's."""
    if order is None or order.sub_mchid != sub_mchid:
        raise PayError("ORDER_NOT_EXIST", "no such order")
    return order


def _check_again(known: Order, asked: dict[str, Any]) -> None:
    """Raises PayError unless this order may be asked for again in this way."""
    if known.transaction_id:
        raise PayError("ORDERPAID", "the order is paid")
    if known.closed:
        raise PayError("ORDER_CLOSED", "the order is closed")
    if known.asked != asked:
        raise PayError("INVALID_REQUEST", "201 out_trade_no is used already")  # the real one says 201, too
