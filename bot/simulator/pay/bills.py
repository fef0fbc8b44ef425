"""Trade bills: the day's payments and refunds as the platform books them, in yuan.

Source: PW/docs/merchant/apis get-trade-bill, download-bill and PW/docs/merchant/products/bill-download/format-trade.
"""

import gzip
import hashlib
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

from bot.simulator.pay.errors import PayError
from bot.simulator.pay.moments import CHINA, in_china
from bot.simulator.pay.orders import BANK, Order
from bot.simulator.pay.refunds import Outcome, Refund
from bot.simulator.pay.words import Words

READY = time(10)  # of the next day
KEPT_DAYS = 90  # "three months"
URL_LIFE = 300.0
FEE = Decimal("0.006")  # the usual rate; a merchant's own is in its contract
PAYMENT_COLUMNS = (
    *("time", "appid", "mchid", "sub_mchid", "device", "transaction_id", "out_trade_no", "openid", "trade_type"),
    *("trade_state", "bank", "currency", "settlement", "coupon"),
)
REFUND_COLUMNS = ("refund_id", "out_refund_no", "refund", "coupon_refund", "refund_type", "refund_state")
GOODS_COLUMNS = ("description", "attach", "fee", "rate", "total")
ALL_TOTALS = ("rows", "settlement", "refund", "coupon_refund", "fee", "total", "refund_asked")
# bill_type -> (columns, totals)
LAYOUTS = {
    "ALL": ((*PAYMENT_COLUMNS, *REFUND_COLUMNS, *GOODS_COLUMNS, "refund_asked", "rate_note"), ALL_TOTALS),
    "SUCCESS": ((*PAYMENT_COLUMNS, *GOODS_COLUMNS, "rate_note"), ("rows", "settlement", "fee", "total")),
    "REFUND": (
        (
            *PAYMENT_COLUMNS,
            *("refund_asked_at", "refund_done_at"),
            *(*REFUND_COLUMNS, *GOODS_COLUMNS, "refund_asked", "rate_note"),
        ),
        ALL_TOTALS,
    ),
}
FEN_COLUMNS = {"settlement", "coupon", "refund", "coupon_refund", "total", "refund_asked"}
Row = dict[str, str | int | Decimal]
"""By column; amounts in fen, the fee in yuan."""


@dataclass(frozen=True)
class Ready:
    """A bill to be fetched. ``data``: as it is downloaded, perhaps compressed."""

    data: bytes
    until: float


class Bills:
    def __init__(
        self,
        orders: Callable[[], Sequence[Order]],
        refunds: Callable[[], Sequence[Refund]],
        clock: Callable[[], float],
        words: Words,
        app_id: str,
        mchid: str,
    ) -> None:
        self._orders = orders
        self._refunds = refunds
        self._clock = clock
        self._words = words
        self._app_id = app_id
        self._mchid = mchid
        self._lock = threading.Lock()
        self._written: dict[tuple[date, str, str], bytes] = {}
        self._ready: dict[str, Ready] = {}

    def apply(self, day: str, kind: str = "ALL", compressed: bool = False, sub_mchid: str = "") -> tuple[str, str]:
        """(SHA-1 of the bill before it is compressed, token for five minutes). Raises PayError.

        ``sub_mchid``: of this sub-merchant; empty: of what the merchant itself was paid. A real partner is paid
        nothing itself, and gets all its sub-merchants' then.
        """
        wanted = self._day(day)
        if kind not in LAYOUTS:
            raise PayError("PARAM_ERROR", "bill_type: ALL, SUCCESS or REFUND")
        with self._lock:
            which = (wanted, kind, sub_mchid)
            data = self._written.get(which) or self._write(*which)
            self._written[which] = data  # a bill does not change any more
            token, now = secrets.token_urlsafe(32), self._clock()
            self._ready = {known: bill for known, bill in self._ready.items() if now < bill.until}
            self._ready[token] = Ready(gzip.compress(data) if compressed else data, now + URL_LIFE)
        return hashlib.sha1(data, usedforsecurity=False).hexdigest(), token

    def fetch(self, token: str) -> bytes:
        """Raises PayError for a token that is unknown or older than five minutes."""
        with self._lock:
            bill = self._ready.get(token)
        if bill is None or self._clock() >= bill.until:
            raise PayError("INVALID_REQUEST", "the token is unknown or older than five minutes")
        return bill.data

    def _day(self, day: str) -> date:
        """Raises PayError for a day that has no bill, or not yet, or no more."""
        try:
            wanted = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=CHINA).date()
        except ValueError as error:
            raise PayError("PARAM_ERROR", "bill_date: yyyy-MM-DD is required") from error
        now = in_china(self._clock())
        if wanted >= now.date() or (now.date() - wanted).days > KEPT_DAYS:
            raise PayError("INVALID_REQUEST", "bill_date: from three months ago to yesterday")
        if now < datetime.combine(wanted + timedelta(days=1), READY, CHINA):
            raise PayError("STATEMENT_CREATING", "yesterday's bill is ready after ten o'clock")
        return wanted

    def _write(self, day: date, kind: str, sub_mchid: str) -> bytes:
        """Raises PayError NO_STATEMENT_EXIST for a day on which nothing moved."""
        rows = self._rows(day, kind, sub_mchid)
        if not rows:
            raise PayError("NO_STATEMENT_EXIST", "there was no payment or refund on that day")
        columns, totals = LAYOUTS[kind]
        lines = [",".join(self._words.bill_column(name) for name in columns)]
        lines += [_line(row, columns) for row in rows]
        lines.append(",".join(self._words.bill_total(name) for name in totals))
        sums: Row = {name: sum(Decimal(row[name]) for row in rows) for name in totals if name != "rows"}
        lines.append(_line(sums | {"rows": str(len(rows))}, totals))
        return "".join(f"{line}\r\n" for line in lines).encode()

    def _rows(self, day: date, kind: str, sub_mchid: str) -> list[Row]:
        """In the order of time: payments by when they were made, refunds by when they were asked for."""
        dated: list[tuple[float, Row]] = []
        if kind != "REFUND":
            orders = [order for order in self._orders() if order.transaction_id and order.sub_mchid == sub_mchid]
            dated += [(order.paid_at, self._payment(order)) for order in orders]
        if kind != "SUCCESS":
            refunds = [refund for refund in self._refunds() if refund.order.sub_mchid == sub_mchid]
            dated += [(refund.created, self._refund(refund)) for refund in refunds]
        return [row for moment, row in sorted(dated, key=lambda pair: pair[0]) if in_china(moment).date() == day]

    def _payment(self, order: Order) -> Row:
        return self._common(order, order.paid_at) | {
            "trade_state": "SUCCESS",
            "settlement": order.total,
            "refund_id": "0",
            "out_refund_no": "0",
            "refund": 0,
            "refund_type": "",
            "refund_state": "",
            "fee": _fee(order.total),
            "total": order.total,
            "refund_asked": 0,
        }

    def _refund(self, refund: Refund) -> Row:
        return self._common(refund.order, refund.created) | {
            "trade_state": "REFUND",
            "settlement": 0,
            "refund_asked_at": _moment(refund.created),
            "refund_done_at": _moment(refund.done_at) if refund.state == Outcome.SUCCESS else "",
            "refund_id": refund.refund_id,
            "out_refund_no": refund.out_refund_no,
            "refund": refund.amount,
            "refund_type": "ORIGINAL",
            "refund_state": str(refund.state),
            "fee": -_fee(refund.amount),
            "total": 0,
            "refund_asked": refund.amount,
        }

    def _common(self, order: Order, moment: float) -> Row:
        return {
            "time": _moment(moment),
            "appid": self._app_id,
            "mchid": self._mchid,
            "sub_mchid": order.sub_mchid or "0",
            "device": "",
            "transaction_id": order.transaction_id,
            "out_trade_no": order.out_trade_no,
            "openid": order.openid,
            "trade_type": "JSAPI",
            "bank": BANK,
            "currency": "CNY",
            "coupon": 0,
            "coupon_refund": 0,
            "description": " ".join(order.description.split()),
            "attach": " ".join(order.attach.split()),
            "rate": f"{FEE * 100:.2f}%",
            "rate_note": "",
        }


def _fee(amount: int) -> Decimal:
    """Yuan, to the fen."""
    return (amount * FEE / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _line(row: Row, names: Sequence[str]) -> str:
    """Each cell begins with a backtick, so that no spreadsheet takes it for a number."""
    return ",".join(f"`{_cell(name, row[name])}" for name in names)


def _cell(name: str, value: str | int | Decimal) -> str:
    if name in FEN_COLUMNS:
        return f"{Decimal(value) / 100:.2f}"
    return f"{value:.5f}" if name == "fee" else str(value)


def _moment(moment: float) -> str:
    return f"{in_china(moment):%Y-%m-%d %H:%M:%S}"
