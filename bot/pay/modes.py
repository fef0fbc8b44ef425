"""Name the fields of WeChat Pay's calls in two modes: a merchant signs for itself, or a partner for a sub-merchant.

In partner mode (服务商模式) the partner signs the call, and the payment goes to the sub-merchant's (特约商户)
account; it never passes through the partner's. Source: PW/wiki/doc/apiv3_partner/apis/chapter4_2_2 (JSAPI),
PW/doc/v3/partner/4012466860 (release).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from bot.pay.answers import PartnerTradeFields, TradeFields


class Mode(Protocol):
    """What the calls of a mode say. ``orders``: where its orders are. ``payer``: the name of the payer's openid.

    ``settlement``: what an order says of how it is settled.
    """

    orders: ClassVar[str]
    payer: ClassVar[str]
    trade: ClassVar[type[TradeFields | PartnerTradeFields]]
    settlement: ClassVar[Mapping[str, Any]]

    @property
    def merchant(self) -> str:
        """Return the merchant account (mchid) that orders are paid to."""

    @property
    def merchants(self) -> dict[str, str]:
        """Return the merchant accounts of an order, as a query and a closing name them."""

    @property
    def parties(self) -> dict[str, str]:
        """Return the merchant accounts and the AppID, as an order names them."""

    @property
    def sub_merchant(self) -> dict[str, str]:
        """Return what refunds and bills say besides; nothing for a merchant of its own."""


@dataclass(frozen=True)
class Direct:
    """A merchant that signs for itself."""

    app_id: str
    merchant: str

    orders: ClassVar[str] = "/v3/pay/transactions"
    payer: ClassVar[str] = "openid"
    trade: ClassVar[type[TradeFields | PartnerTradeFields]] = TradeFields
    settlement: ClassVar[Mapping[str, Any]] = {}

    @property
    def merchants(self) -> dict[str, str]:
        return {"mchid": self.merchant}

    @property
    def parties(self) -> dict[str, str]:
        return {"appid": self.app_id, **self.merchants}

    @property
    def sub_merchant(self) -> dict[str, str]:
        return {}


@dataclass(frozen=True)
class ForSubMerchant:
    """A partner that signs for the sub-merchant ``merchant``. What is paid stays frozen there until it is released."""

    app_id: str
    partner: str
    merchant: str

    orders: ClassVar[str] = "/v3/pay/partner/transactions"
    payer: ClassVar[str] = "sp_openid"
    trade: ClassVar[type[TradeFields | PartnerTradeFields]] = PartnerTradeFields
    settlement: ClassVar[Mapping[str, Any]] = {"settle_info": {"profit_sharing": True}}

    @property
    def merchants(self) -> dict[str, str]:
        return {"sp_mchid": self.partner, **self.sub_merchant}

    @property
    def parties(self) -> dict[str, str]:
        return {"sp_appid": self.app_id, **self.merchants}

    @property
    def sub_merchant(self) -> dict[str, str]:
        return {"sub_mchid": self.merchant}
