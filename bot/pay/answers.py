"""Read the platform's answers about orders and refunds field by field; one wrong field makes the answer invalid."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

TRADE_NO = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
REFUND_NO = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
TRANSACTION_ID = re.compile(r"[0-9A-Za-z_\-]{1,64}")
CURRENCY = "CNY"
MOST_FEN = 10**12


class TradeState(StrEnum):
    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    """Paid, and at least partly refunded or about to be."""
    NOTPAY = "NOTPAY"
    CLOSED = "CLOSED"
    REVOKED = "REVOKED"
    USERPAYING = "USERPAYING"
    PAYERROR = "PAYERROR"


PAID = frozenset({TradeState.SUCCESS, TradeState.REFUND})


class RefundState(StrEnum):
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    """Nothing was refunded, and under this number nothing will be."""
    ABNORMAL = "ABNORMAL"
    """The payer's card takes no money: a person must handle it."""


class ReleaseState(StrEnum):
    PROCESSING = "PROCESSING"
    FINISHED = "FINISHED"


@dataclass(frozen=True, slots=True)
class Release:
    """A release of frozen money to its sub-merchant (``merchant``): ``fen`` in all; None: the answer does not say."""

    merchant: str
    transaction_id: str
    out_order_no: str
    state: ReleaseState
    fen: int | None


@dataclass(frozen=True, slots=True)
class Trade:
    """An order as the platform has it. ``paid_at``, ``transaction_id`` and ``fen`` are set once it is paid.

    ``merchant``: the number of the merchant account (mchid) that the order's and the transaction's number belong to.
    """

    merchant: str
    out_trade_no: str
    state: TradeState
    fen: int | None
    transaction_id: str | None
    paid_at: datetime | None
    openid: str | None = field(repr=False)
    attach: str = field(repr=False)

    @property
    def is_paid(self) -> bool:
        return self.state in PAID


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund as the platform has it: ``fen`` of the order's ``order_fen``. ``done_at`` is set once it is paid.

    ``merchant``: as of the trade.
    """

    merchant: str
    out_refund_no: str
    refund_id: str
    out_trade_no: str
    transaction_id: str
    state: RefundState
    fen: int
    order_fen: int
    done_at: datetime | None


def _of_our_time(moment: datetime) -> datetime:
    if not 2010 <= moment.year < 2200:
        raise ValueError("not of our time")
    return moment.astimezone(UTC)


# The platform leaves out a value that is not there yet, or sends null or an empty string.
Nothing = Literal[""] | None
Moment = Annotated[AwareDatetime, AfterValidator(_of_our_time)]
Fen = Annotated[int, Field(ge=1, le=MOST_FEN)]
Id = Annotated[str, StringConstraints(pattern=rf"^{TRANSACTION_ID.pattern}\z")]
TradeNo = Annotated[str, StringConstraints(pattern=rf"^{TRADE_NO.pattern}\z")]
RefundNo = Annotated[str, StringConstraints(pattern=rf"^{REFUND_NO.pattern}\z")]


class Strict(BaseModel):
    """A strict model that ignores unknown fields, since the platform adds some now and then."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)


class _TradeAmount(Strict):
    total: Fen | None = None
    currency: str = CURRENCY


class _Payer(Strict):
    openid: Annotated[str, StringConstraints(max_length=128)] | None = None


class _PartnerPayer(Strict):
    sp_openid: Annotated[str, StringConstraints(max_length=128)] | None = None


class _AnyTrade(Strict):
    """What an order says in either mode."""

    out_trade_no: TradeNo
    trade_state: TradeState
    transaction_id: Id | Nothing = None
    success_time: Moment | Nothing = None
    amount: _TradeAmount = _TradeAmount()
    attach: Annotated[str, StringConstraints(max_length=128)] = ""

    @property
    def parties(self) -> dict[str, str]:
        """Return the AppID and the merchant accounts, as the mode names them."""
        raise NotImplementedError

    @property
    def merchant(self) -> str:
        """Return the number of the merchant account that the order is paid to."""
        raise NotImplementedError

    @property
    def openid(self) -> str | None:
        raise NotImplementedError

    @model_validator(mode="after")
    def be_whole(self) -> Self:
        if self.trade_state in PAID:
            if not (self.transaction_id and self.success_time and self.amount.total and self.openid):
                raise ValueError("paid, and not said what, by whom or when")
            if self.amount.currency != CURRENCY:
                raise ValueError("another currency")
        return self

    @property
    def trade(self) -> Trade:
        return Trade(
            merchant=self.merchant,
            out_trade_no=self.out_trade_no,
            state=self.trade_state,
            fen=self.amount.total,
            transaction_id=self.transaction_id or None,
            paid_at=self.success_time or None,
            openid=self.openid or None,
            attach=self.attach,
        )


class TradeFields(_AnyTrade):
    appid: str
    mchid: str
    payer: _Payer = _Payer()

    @property
    def parties(self) -> dict[str, str]:
        return {"appid": self.appid, "mchid": self.mchid}

    @property
    def merchant(self) -> str:
        return self.mchid

    @property
    def openid(self) -> str | None:
        return self.payer.openid


class PartnerTradeFields(_AnyTrade):
    """An order in partner mode: ``sp_`` are the partner's, ``sub_mchid`` is paid."""

    sp_appid: str
    sp_mchid: str
    sub_mchid: Id
    payer: _PartnerPayer = _PartnerPayer()

    @property
    def parties(self) -> dict[str, str]:
        return {"sp_appid": self.sp_appid, "sp_mchid": self.sp_mchid, "sub_mchid": self.sub_mchid}

    @property
    def merchant(self) -> str:
        return self.sub_mchid

    @property
    def openid(self) -> str | None:
        return self.payer.sp_openid


class RefundAmount(Strict):
    refund: Fen
    total: Fen
    currency: str = CURRENCY

    @model_validator(mode="after")
    def be_a_part(self) -> Self:
        if self.refund > self.total or self.currency != CURRENCY:
            raise ValueError("more than the order, or another currency")
        return self


class RefundFields(Strict):
    """A refund in a call's answer; a callback has ``refund_status`` and ``mchid`` instead (see bot.pay.callback)."""

    out_refund_no: RefundNo
    refund_id: Id
    out_trade_no: TradeNo
    transaction_id: Id
    status: RefundState
    success_time: Moment | Nothing = None
    amount: RefundAmount

    @model_validator(mode="after")
    def be_whole(self) -> Self:
        if self.status is RefundState.SUCCESS and not self.success_time:
            raise ValueError("paid back, and not said when")
        return self

    def refund(self, merchant: str) -> Refund:
        return Refund(
            merchant=merchant,
            out_refund_no=self.out_refund_no,
            refund_id=self.refund_id,
            out_trade_no=self.out_trade_no,
            transaction_id=self.transaction_id,
            state=self.status,
            fen=self.amount.refund,
            order_fen=self.amount.total,
            done_at=self.success_time or None,
        )


class _Receiver(Strict):
    account: str
    amount: Fen


class ReleaseFields(Strict):
    """A release in a call's answer. ``receivers``: who gets what; of a release it is the sub-merchant alone."""

    sub_mchid: Id
    transaction_id: Id
    out_order_no: RefundNo
    state: ReleaseState
    receivers: tuple[_Receiver, ...] = ()

    @property
    def release(self) -> Release:
        own = [each.amount for each in self.receivers if each.account == self.sub_mchid]
        return Release(
            merchant=self.sub_mchid,
            transaction_id=self.transaction_id,
            out_order_no=self.out_order_no,
            state=self.state,
            fen=sum(own) if own else None,
        )
