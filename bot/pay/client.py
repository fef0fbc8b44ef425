"""Call WeChat Pay's API as far as this program uses it: one method per call, small frozen answers, our own errors.

Every method raises Unfit before anything is sent; Unreachable, BadAnswer (``outcome_unknown``: ask again or
``query``) or Refused (its ``action`` says what to do) afterwards. Each call may be repeated with the same number.
"""

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Any, BinaryIO, Self, TypeVar
from urllib.parse import quote, urlsplit

import requests
from pydantic import StringConstraints, ValidationError

from bot.pay.answers import REFUND_NO, TRADE_NO, Refund, RefundFields, Strict, Trade, TradeFields
from bot.pay.bill_file import BillFile, Damaged
from bot.pay.errors import BadAnswer, Refused, Unfit
from bot.pay.moments import written
from bot.pay.signatures import PlatformKeys, Signer, new_nonce
from bot.pay.wire import TIMEOUT, Breaker, Request, Wire, open_session
from bot.work.clock import Clock, true_now

DESCRIPTION_BYTES = 127
ATTACH_BYTES = 128
REASON_BYTES = 80
NOTIFY_URL_LENGTH = 255
EXPIRES_AHEAD = timedelta(minutes=1)
# Time for the download of a whole day's bill, compressed.
BILL_SECONDS = 300.0
_CLOSED = {"ORDER_CLOSED", "ORDERCLOSED"}
_NOTHING_MOVED = "NO_STATEMENT_EXIST"
Fields = TypeVar("Fields", bound=Strict)
_UNSEEN = re.compile(r"[\x00-\x1f\x7f`\ud800-\udfff]+")


class _Prepaid(Strict):
    prepay_id: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_\-]{1,64}\z")]


class _BillPlace(Strict):
    hash_type: Annotated[str, StringConstraints(pattern=r"^SHA1\z")]
    hash_value: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{40}\z")]
    download_url: str


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
        self._app_id, self._notify_url, self._signer, self._clock = app_id, _checked_url(notify_url), signer, clock
        self._orders_clock = orders_clock or clock
        self._http = http or open_session()
        self._wire = Wire(api_url, signer, keys, self._http, clock, timeout, breaker)

    @property
    def merchant(self) -> str:
        """The merchant account (mchid) that this client signs for."""
        return self._signer.mch_id

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
        _demand(call, "out_trade_no", TRADE_NO.fullmatch(out_trade_no))
        _demand(call, "fen", fen >= 1)
        _demand(call, "openid", 0 < len(openid) <= 128)
        _demand(call, "description", shown(description))
        _demand(call, "attach", _fits(attach, ATTACH_BYTES))
        body: dict[str, Any] = {
            "appid": self._app_id,
            "mchid": self.merchant,
            "description": shown(description),
            "out_trade_no": out_trade_no,
            "notify_url": self._notify_url,
            "amount": {"total": fen, "currency": "CNY"},
            "payer": {"openid": openid},
        }
        if attach:
            body["attach"] = attach
        if expires:
            _demand(call, "expires", expires - self._orders_clock() >= EXPIRES_AHEAD)
            body["time_expire"] = written(expires)
        answer = self._wire.ask(Request(call, "POST", "/v3/pay/transactions/jsapi", body))
        return _read(call, _Prepaid, answer).prepay_id

    def pay_sign(self, prepay_id: str) -> dict[str, str]:
        """Make the fields that our page gives to getBrandWCPayRequest. Its ``ok`` proves nothing: ``query`` does."""
        fields = {
            "appId": self._app_id,
            "timeStamp": str(int(self._clock().timestamp())),
            "nonceStr": new_nonce(),
            "package": f"prepay_id={prepay_id}",
        }
        return fields | {"signType": "RSA", "paySign": self._signer.sign(*fields.values())}

    def query(self, out_trade_no: str) -> Trade:
        """Query an order. Refused with ``Action.ABSENT`` if the platform does not know it."""
        call = "query"
        _demand(call, "out_trade_no", TRADE_NO.fullmatch(out_trade_no))
        path = f"/v3/pay/transactions/out-trade-no/{quote(out_trade_no, safe='')}?mchid={self.merchant}"
        fields = _read(call, TradeFields, self._wire.ask(Request(call, "GET", path)))
        ours = (self._app_id, self.merchant, out_trade_no)
        if (fields.appid, fields.mchid, fields.out_trade_no) != ours:
            raise BadAnswer(call, "of another order")
        return fields.trade

    def close_order(self, out_trade_no: str) -> None:
        """Close an order for payment. Refused if it is paid, being paid, or less than five minutes old."""
        call = "close"
        _demand(call, "out_trade_no", TRADE_NO.fullmatch(out_trade_no))
        path = f"/v3/pay/transactions/out-trade-no/{quote(out_trade_no, safe='')}/close"
        try:
            self._wire.ask(Request(call, "POST", path, {"mchid": self.merchant}))
        except Refused as refused:
            if refused.code not in _CLOSED:
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
        _demand(call, "out_trade_no", TRADE_NO.fullmatch(out_trade_no))
        _demand(call, "out_refund_no", REFUND_NO.fullmatch(out_refund_no))
        _demand(call, "fen", 1 <= fen <= order_fen)
        _demand(call, "reason", _fits(reason, REASON_BYTES))
        body: dict[str, Any] = {
            **({"transaction_id": transaction_id} if transaction_id else {"out_trade_no": out_trade_no}),
            "out_refund_no": out_refund_no,
            "notify_url": self._notify_url,
            "amount": {"refund": fen, "total": order_fen, "currency": "CNY"},
        }
        if reason:
            body["reason"] = reason
        refund = _read(
            call, RefundFields, self._wire.ask(Request(call, "POST", "/v3/refund/domestic/refunds", body))
        ).refund(self.merchant)
        wanted = (out_trade_no, out_refund_no, fen, order_fen)
        if (refund.out_trade_no, refund.out_refund_no, refund.fen, refund.order_fen) != wanted:
            raise BadAnswer(call, "of another refund")
        return refund

    def query_refund(self, out_refund_no: str) -> Refund:
        call = "query_refund"
        _demand(call, "out_refund_no", REFUND_NO.fullmatch(out_refund_no))
        path = f"/v3/refund/domestic/refunds/{quote(out_refund_no, safe='')}"
        refund = _read(call, RefundFields, self._wire.ask(Request(call, "GET", path))).refund(self.merchant)
        if refund.out_refund_no != out_refund_no:
            raise BadAnswer(call, "of another refund")
        return refund

    # Bills

    def bill(self, day: date, to: BinaryIO, *, compressed: bool = True) -> bool:
        """Write a day's trade bill into ``to``, unpacked, for ``bot.pay.bill``; False: nothing moved that day.

        A day has a bill from ten o'clock (in China) of the next day on, for three months. If this raises, ``to`` holds
        no valid bill.
        """
        call = "bill"
        path = f"/v3/bill/tradebill?bill_date={day.isoformat()}&bill_type=ALL" + (
            "&tar_type=GZIP" if compressed else ""
        )
        try:
            place = _read(call, _BillPlace, self._wire.ask(Request(call, "GET", path)))
        except Refused as refused:
            if refused.code != _NOTHING_MOVED:
                raise
            return False
        file = BillFile(to)
        try:
            self._wire.download(Request(call, "GET", _path_of(call, place.download_url)), file.take, BILL_SECONDS)
            file.end(place.hash_value)
        except Damaged as damaged:
            raise BadAnswer(call, damaged.why) from damaged
        return True


def shown(description: str) -> str:
    """Return the description on one line, without characters that bills cannot hold, cut to DESCRIPTION_BYTES."""
    line = " ".join(_UNSEEN.sub(" ", description).split())
    return line.encode()[:DESCRIPTION_BYTES].decode(errors="ignore").rstrip()


def _fits(text: str, most: int) -> bool:
    return not _UNSEEN.search(text) and len(text.encode()) <= most


def _demand(call: str, field: str, holds: object) -> None:
    if not holds:
        raise Unfit(call, field)


def _read(call: str, fields: type[Fields], answer: bytes) -> Fields:
    try:
        return fields.model_validate_json(answer)
    except ValidationError:
        failure = BadAnswer(call, "does not say what it must")
    # Raised outside the handler: pydantic's error holds the fields.
    raise failure


def _path_of(call: str, url: str) -> str:
    """Return the path to request from our own api_url, so that no answer sends our signature to another host."""
    parts = urlsplit(url)
    if not parts.path.startswith("/v3/bill"):
        raise BadAnswer(call, "a strange address")
    return f"{parts.path}?{parts.query}"


def _checked_url(url: str) -> str:
    """Check the callback's URL: https without parameters; http here, for a simulator. Raises ValueError."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and host in {"127.0.0.1", "localhost", "::1"}):
        raise ValueError("the platform calls back over https")
    if "?" in url or "#" in url or not host or len(url) > NOTIFY_URL_LENGTH:
        raise ValueError("the platform calls back to no such address")
    return url
