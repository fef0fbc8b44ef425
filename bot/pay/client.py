"""Call WeChat Pay's API as far as this program uses it: one method per call, small frozen answers, our own errors.

Every method raises Unfit before anything is sent; Unreachable, BadAnswer (``outcome_unknown``: ask again or
``query``) or Refused (its ``action`` says what to do) afterwards. Each call may be repeated with the same number.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, BinaryIO, Self
from urllib.parse import quote, urlencode

import requests

from bot.pay.answers import REFUND_NO, TRADE_NO, Refund, RefundFields, Trade
from bot.pay.bill import BillRow, read_bill
from bot.pay.errors import BadAnswer, Refused
from bot.pay.fields import CLOSED, Prepaid, checked_url, demand, fetch_bill, fits, read, shown, sign_sheet
from bot.pay.modes import Direct, Mode
from bot.pay.moments import written
from bot.pay.signatures import PlatformKeys, Signer
from bot.pay.wire import TIMEOUT, Breaker, Request, Wire, open_session
from bot.work.clock import Clock, true_now

ATTACH_BYTES = 128
REASON_BYTES = 80
EXPIRES_AHEAD = timedelta(minutes=1)


class PayClient:
    """The client, safe to share between threads. ``api_url``: the root of the platform, or of the simulator.

    ``clock`` gives the true time, not the conversation's, since signatures are valid for five minutes; orders expire
    by ``orders_clock``, which is the conversation's.
    """

    def __init__(
        self,
        *,
        api_url: str,
        app_id: str,
        notify_url: str,
        signer: Signer,
        keys: PlatformKeys,
        clock: Clock = true_now,
        orders_clock: Clock | None = None,
        timeout: tuple[float, float] = TIMEOUT,
        breaker: Breaker | None = None,
        http: requests.Session | None = None,
    ) -> None:
        self._app_id, self._notify_url, self._signer, self._clock = app_id, checked_url(notify_url), signer, clock
        self._mode: Mode = Direct(app_id, signer.mch_id)
        self._orders_clock = orders_clock or clock
        self._http = http or open_session()
        self._wire = Wire(api_url, signer, keys, self._http, clock, timeout, breaker)

    @property
    def merchant(self) -> str:
        """The merchant account (mchid) that orders are paid to."""
        return self._mode.merchant

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Orders

    def order(
        self,
        out_trade_no: str,
        fen: int,
        openid: str,
        description: str,
        attach: str = "",
        expires: datetime | None = None,
    ) -> str:
        """Place an order and return its prepay_id, valid for two hours. The same order again gives a fresh one; another
        order under the same number is refused.

        ``description`` is shown on the pay sheet and the bill; it is cut to fit.
        """
        call = "order"
        demand(call, "out_trade_no", TRADE_NO.fullmatch(out_trade_no))
        demand(call, "fen", fen >= 1)
        demand(call, "openid", 0 < len(openid) <= 128)
        demand(call, "description", shown(description))
        demand(call, "attach", fits(attach, ATTACH_BYTES))
        body: dict[str, Any] = {
            **self._mode.parties,
            **self._mode.settlement,
            "description": shown(description),
            "out_trade_no": out_trade_no,
            "notify_url": self._notify_url,
            "amount": {"total": fen, "currency": "CNY"},
            "payer": {self._mode.payer: openid},
        }
        if attach:
            body["attach"] = attach
        if expires:
            demand(call, "expires", expires - self._orders_clock() >= EXPIRES_AHEAD)
            body["time_expire"] = written(expires)
        answer = self._wire.ask(Request(call, "POST", f"{self._mode.orders}/jsapi", body))
        return read(call, Prepaid, answer).prepay_id

    def pay_sign(self, prepay_id: str) -> dict[str, str]:
        """Make the fields that our page gives to getBrandWCPayRequest. Its ``ok`` proves nothing: ``query`` does."""
        return sign_sheet(self._signer, self._app_id, prepay_id, self._clock)

    def query(self, out_trade_no: str) -> Trade:
        """Query an order. Refused with ``Action.ABSENT`` if the platform does not know it."""
        call = "query"
        demand(call, "out_trade_no", TRADE_NO.fullmatch(out_trade_no))
        path = f"{self._mode.orders}/out-trade-no/{quote(out_trade_no, safe='')}?{urlencode(self._mode.merchants)}"
        fields = read(call, self._mode.trade, self._wire.ask(Request(call, "GET", path)))
        # By the merchants alone: the AppID is that of the official account at which it was placed, of several.
        if not self._mode.merchants.items() <= fields.parties.items() or fields.out_trade_no != out_trade_no:
            raise BadAnswer(call, "of another order")
        return fields.trade

    def close_order(self, out_trade_no: str) -> None:
        """Close an order for payment. Refused if it is paid, being paid, or less than five minutes old."""
        call = "close"
        demand(call, "out_trade_no", TRADE_NO.fullmatch(out_trade_no))
        path = f"{self._mode.orders}/out-trade-no/{quote(out_trade_no, safe='')}/close"
        try:
            self._wire.ask(Request(call, "POST", path, self._mode.merchants))
        except Refused as refused:
            if refused.code not in CLOSED:
                raise

    # Refunds

    def refund(
        self,
        out_trade_no: str,
        out_refund_no: str,
        fen: int,
        order_fen: int,
        reason: str = "",
        *,
        transaction_id: str | None = None,
    ) -> Refund:
        """Submit a refund; accepted is not paid: see ``state``, the callback, or ``query_refund``.

        A retry uses the same number.

        ``transaction_id``: which of the order's payments.
        """
        call = "refund"
        demand(call, "out_trade_no", TRADE_NO.fullmatch(out_trade_no))
        demand(call, "out_refund_no", REFUND_NO.fullmatch(out_refund_no))
        demand(call, "fen", 1 <= fen <= order_fen)
        demand(call, "reason", fits(reason, REASON_BYTES))
        body: dict[str, Any] = {
            **self._mode.sub_merchant,
            **({"transaction_id": transaction_id} if transaction_id else {"out_trade_no": out_trade_no}),
            "out_refund_no": out_refund_no,
            "notify_url": self._notify_url,
            "amount": {"refund": fen, "total": order_fen, "currency": "CNY"},
        }
        if reason:
            body["reason"] = reason
        refund = read(
            call, RefundFields, self._wire.ask(Request(call, "POST", "/v3/refund/domestic/refunds", body))
        ).refund(self.merchant)
        wanted = (out_trade_no, out_refund_no, fen, order_fen)
        if (refund.out_trade_no, refund.out_refund_no, refund.fen, refund.order_fen) != wanted:
            raise BadAnswer(call, "of another refund")
        return refund

    def query_refund(self, out_refund_no: str) -> Refund:
        call = "query_refund"
        demand(call, "out_refund_no", REFUND_NO.fullmatch(out_refund_no))
        path = f"/v3/refund/domestic/refunds/{quote(out_refund_no, safe='')}"
        if self._mode.sub_merchant:
            path += f"?{urlencode(self._mode.sub_merchant)}"
        refund = read(call, RefundFields, self._wire.ask(Request(call, "GET", path))).refund(self.merchant)
        if refund.out_refund_no != out_refund_no:
            raise BadAnswer(call, "of another refund")
        return refund

    # Bills

    def bill(self, day: date, to: BinaryIO, *, compressed: bool = True) -> bool:
        """Write a day's trade bill into ``to``, unpacked, for ``bot.pay.bill``; False: nothing moved that day.

        A day has a bill from ten o'clock (in China) of the next day on, for three months. If this raises, ``to`` holds
        no valid bill.
        """
        asked = {"bill_date": day.isoformat(), "bill_type": "ALL", **self._mode.sub_merchant}
        if compressed:
            asked["tar_type"] = "GZIP"
        return fetch_bill(self._wire, f"/v3/bill/tradebill?{urlencode(asked)}", to)

    def rows(self, bill: BinaryIO) -> Iterator[BillRow]:
        """Yield the rows of a file that ``bill`` wrote, and prove them as ``bot.pay.bill`` does. Raises BadBill."""
        bill.seek(0)
        return read_bill(bill, self._signer.mch_id, sub_mch_id=self._mode.sub_merchant.get("sub_mchid", ""))
