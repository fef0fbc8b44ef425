"""A partner of the simulator's Pay and its sub-merchants: the cooperative, and another one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from bot.pay.partner import SubMerchantClient
from bot.pay.signatures import PlatformKeys, Signer
from bot.simulator.app import create_simulator
from bot.simulator.pay.options import SubMerchant
from bot.simulator.serving import serving
from config.pay import PlatformKey
from tests.harness.money.merchant import MCHID, NOON, NOTIFY, OPTIONS, PIN, Json, Merchant, trading

COOP, OTHER = "1900000110", "1900000111"
SUB_MERCHANTS = (SubMerchant(COOP, "道县柑橘合作社"), SubMerchant(OTHER, "隆回手工合作社"))
ORANGES = ("ORANGE0001", 10_000, "oAunt", "脐橙 20 斤")


@contextmanager
def partnering(**changes: Any) -> Iterator[Merchant]:
    with trading(sub_merchants=SUB_MERCHANTS, **changes) as merchant:
        yield merchant


@contextmanager
def at_url(merchant: Merchant) -> Iterator[str]:
    with serving(create_simulator(merchant.simulator.options, merchant.simulator)) as url:
        yield url


def client_of(merchant: Merchant, url: str, sub_merchant: str = COOP, **changes: Any) -> SubMerchantClient:
    """A client of the partner's for one sub-merchant, by the simulator's own time."""
    own = merchant.own
    given: dict[str, Any] = {
        "api_url": url,
        "app_id": OPTIONS.app_id,
        "notify_url": NOTIFY,
        "signer": Signer(own.mchid, own.serial, own.private),
        "keys": PlatformKeys(PlatformKey(serial, key) for serial, key in own.platform.items()),
        "clock": lambda: datetime.fromtimestamp(NOON, UTC),
    }
    return SubMerchantClient(sub_merchant, **given | changes)


def asked(merchant: Merchant, **changes: Any) -> Json:
    """An order in partner mode that is taken, as it goes over the wire."""
    merchant.made += 1
    return {
        "sp_appid": OPTIONS.app_id,
        "sp_mchid": MCHID,
        "sub_mchid": COOP,
        "description": "脐橙 20 斤",
        "out_trade_no": f"ORDER{merchant.made:06d}",
        "notify_url": NOTIFY,
        "attach": "order 7",
        "settle_info": {"profit_sharing": True},
        "amount": {"total": 10_000, "currency": "CNY"},
        "payer": {"sp_openid": "oAunt"},
    } | changes


def paid_to(merchant: Merchant, **changes: Any) -> str:
    """Pay such an order; returns its number."""
    body = asked(merchant, **changes)
    answer = merchant.call("POST", "/v3/pay/partner/transactions/jsapi", body)
    assert answer.status_code == 200, answer.text
    assert merchant.simulator.pay.pay("oAunt", answer.json["prepay_id"], PIN).err_msg.endswith(":ok")  # type: ignore[index]
    return str(body["out_trade_no"])
