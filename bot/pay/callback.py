"""Prove, decrypt and read the platform's callbacks, or refuse them with a reason that a log may hold.

Pure: no clock, no network, no database. The caller checks that the amount is the order's and that the same payment
counts once: a callback may come twice, late, or never.
"""

from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Annotated, Literal, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import StringConstraints, ValidationError

from bot.pay.answers import (
    Id,
    Moment,
    Nothing,
    PartnerTradeFields,
    Refund,
    RefundAmount,
    RefundFields,
    RefundNo,
    RefundState,
    Strict,
    Trade,
    TradeFields,
    TradeNo,
)
from bot.pay.signatures import Headers, PlatformKeys, Unproved

# Ten times the longest seen so far.
LARGEST_CALLBACK = 64 * 1024
_PAID = "TRANSACTION.SUCCESS"
_REFUNDED = frozenset(f"REFUND.{state}" for state in RefundState if state is not RefundState.PROCESSING)


@dataclass(frozen=True, slots=True)
class PaymentCallback:
    """The callback of a paid order. ``id``: the callback's, the same each time that it is sent."""

    id: str
    at: datetime
    trade: Trade


@dataclass(frozen=True, slots=True)
class RefundCallback:
    id: str
    at: datetime
    refund: Refund


class BadCallback(Exception):
    """The callback is refused. ``reason``: a Flaw (not proved), or
    size; body (no JSON of this form); event (of no kind that we handle); seal (not encrypted with our key); fields
    (decrypted, but invalid); payee (of another merchant or account).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Resource(Strict):
    algorithm: Literal["AEAD_AES_256_GCM"]
    nonce: Annotated[str, StringConstraints(pattern=r"^[ -~]{12}\z")]
    associated_data: Annotated[str, StringConstraints(pattern=r"^[ -~]{0,64}\z")] | None = None
    ciphertext: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z+/=]+\z")]


class _Body(Strict):
    id: Id
    create_time: Moment
    resource_type: Literal["encrypt-resource"]
    event_type: Annotated[str, StringConstraints(pattern=r"^[A-Z_.]{1,64}\z")]
    resource: _Resource


class _AnyRefund(Strict):
    """A refund in a callback, of either mode."""

    out_trade_no: TradeNo
    transaction_id: Id
    out_refund_no: RefundNo
    refund_id: Id
    refund_status: RefundState
    success_time: Moment | Nothing = None
    amount: RefundAmount

    @property
    def fields(self) -> RefundFields:
        """The refund in the form of a call's answer. Raises ValidationError."""
        said = self.model_dump(exclude={"mchid", "sp_mchid", "sub_mchid", "refund_status"})
        return RefundFields(status=self.refund_status, **said)

    @property
    def signed_by(self) -> str:
        """Return the merchant account that asked for the refund."""
        raise NotImplementedError

    @property
    def merchant(self) -> str:
        """Return the number of the merchant account that the refund is paid from."""
        raise NotImplementedError


class _RefundInCallback(_AnyRefund):
    mchid: str

    @property
    def signed_by(self) -> str:
        return self.mchid

    @property
    def merchant(self) -> str:
        return self.mchid


class _PartnerRefundInCallback(_AnyRefund):
    sp_mchid: str
    sub_mchid: Id

    @property
    def signed_by(self) -> str:
        return self.sp_mchid

    @property
    def merchant(self) -> str:
        return self.sub_mchid


Fields = TypeVar("Fields", bound=Strict)
Found = TypeVar("Found")


class CallbackVerifier:
    """Opens callbacks; safe to share between threads. ``api_v3_key``: 32 bytes."""

    _trade: type[TradeFields | PartnerTradeFields] = TradeFields
    _refund_said: type[_AnyRefund] = _RefundInCallback

    def __init__(self, keys: PlatformKeys, api_v3_key: str, mch_id: str, app_id: str) -> None:
        self._keys, self._mch_id, self._app_id = keys, mch_id, app_id
        self._gcm = AESGCM(api_v3_key.encode())

    def check_headers(self, headers: Headers, now: datetime) -> None:
        """Check what can be told before the body is read: serial, time, and the signature's form. Raises BadCallback.

        ``now``: the real time."""
        try:
            self._keys.read_claim(headers, now)
        except Unproved as unproved:
            raise BadCallback(unproved.flaw) from unproved

    def open_callback(self, headers: Headers, body: bytes, now: datetime) -> PaymentCallback | RefundCallback:
        """Prove, decrypt and read a callback. Raises BadCallback.

        ``body``: as received, byte for byte; ``now``: the real time."""
        if len(body) > LARGEST_CALLBACK:
            raise BadCallback("size")
        try:
            self._keys.prove(headers, body, now)
        except Unproved as unproved:
            raise BadCallback(unproved.flaw) from unproved
        callback = _read(_Body, body, "body")
        if callback.event_type == _PAID:
            return self._payment(callback)
        if callback.event_type in _REFUNDED:
            return self._refund(callback)
        raise BadCallback("event")

    def _payment(self, callback: _Body) -> PaymentCallback:
        fields = _read(self._trade, self._opened(callback.resource), "fields")
        app_id, signed_by, *_ = fields.parties.values()
        if not (_same(signed_by, self._mch_id) and _same(app_id, self._app_id)):
            raise BadCallback("payee")
        trade = fields.trade
        if not trade.is_paid:
            raise BadCallback("fields")
        return PaymentCallback(callback.id, callback.create_time, trade)

    def _refund(self, callback: _Body) -> RefundCallback:
        said = _read(self._refund_said, self._opened(callback.resource), "fields")
        if not _same(said.signed_by, self._mch_id):
            raise BadCallback("payee")
        if callback.event_type != f"REFUND.{said.refund_status}":
            raise BadCallback("event")
        try:
            refund = said.fields.refund(said.merchant)
        except ValidationError:
            refund = None
        if refund is None:
            raise BadCallback("fields")
        return RefundCallback(callback.id, callback.create_time, refund)

    def _opened(self, resource: _Resource) -> bytes:
        try:
            sealed = b64decode(resource.ciphertext, validate=True)
            associated = (resource.associated_data or "").encode()
            return self._gcm.decrypt(resource.nonce.encode(), sealed, associated)
        except (InvalidTag, ValueError):
            failure = BadCallback("seal")
        raise failure


class PartnerCallbackVerifier(CallbackVerifier):
    """Opens callbacks about orders that the partner ``mch_id`` placed for its sub-merchants.

    ``merchant`` of the trade or refund is the sub-merchant's number. The caller checks that the order is to be paid to
    that sub-merchant.
    """

    _trade = PartnerTradeFields
    _refund_said = _PartnerRefundInCallback


class CallbackVerifiers:
    """Opens callbacks to any of several merchant accounts, each proved and decrypted with its own keys alone."""

    def __init__(self, verifiers: Sequence[CallbackVerifier]) -> None:
        self._verifiers = verifiers

    def check_headers(self, headers: Headers, now: datetime) -> None:
        """Check what can be told before the body is read. Raises BadCallback as ``open_callback`` does."""
        self._first(lambda verifier: verifier.check_headers(headers, now))

    def open_callback(self, headers: Headers, body: bytes, now: datetime) -> PaymentCallback | RefundCallback:
        """Verify and decrypt a callback with the keys of the merchant account that it is for.

        Raises BadCallback if no account's keys fit, for the reason of the first account.
        """
        return self._first(lambda verifier: verifier.open_callback(headers, body, now))

    def _first(self, attempt: Callable[[CallbackVerifier], Found]) -> Found:
        refusals = []
        for verifier in self._verifiers:
            try:
                return attempt(verifier)
            except BadCallback as refused:
                refusals.append(refused)
        raise refusals[0]


def _read(fields: type[Fields], data: bytes, reason: str) -> Fields:
    try:
        return fields.model_validate_json(data)
    except ValidationError:
        failure = BadCallback(reason)
    # Raised outside the handler: pydantic's error holds the fields.
    raise failure


def _same(one: str, other: str) -> bool:
    return compare_digest(one.encode(), other.encode())
