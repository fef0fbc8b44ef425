"""Make the clients and the callbacks' verifier from the settings, for jobs and for the web application."""

from typing import Any

from redis import Redis

from bot.pay.callback import CallbackVerifier, CallbackVerifiers, PartnerCallbackVerifier
from bot.pay.client import PayClient
from bot.pay.clients import PayClients
from bot.pay.partner import PartnerClients
from bot.pay.signatures import PlatformKeys, Signer
from bot.registry.breaker import Breaker
from bot.work.clock import Clock, true_now
from config.pay import PayValues, read_platform_key, read_private_key
from config.settings import Settings

NOTIFY_PATH = "/pay/notify"
PARTNER_NOTIFY_PATH = "/pay/notify/orders"


def make_pay_clients(settings: Settings, redis: Redis | None = None, orders_clock: Clock = true_now) -> PayClients:
    """Make the process's clients, one for each merchant account; the caller closes them.

    With ``redis``, all processes share a circuit breaker for each. ``orders_clock``: the time by which orders expire,
    the conversation's. Raises ValueError if PAY_MODE is off.
    """
    _demand_on(settings)
    return PayClients(_client(settings, merchant, redis, orders_clock) for merchant in settings.merchants)


def make_callback_verifiers(settings: Settings) -> CallbackVerifiers:
    """Make the verifier of callbacks to any of the merchant accounts. Raises ValueError if PAY_MODE is off."""
    _demand_on(settings)
    return CallbackVerifiers(
        [
            CallbackVerifier(_platform_keys(merchant), merchant.api_v3_key, merchant.mch_id, settings.wechat_app_id)
            for merchant in settings.merchants
        ]
    )


def make_partner_clients(
    settings: Settings, redis: Redis | None = None, orders_clock: Clock = true_now
) -> PartnerClients | None:
    """Make the clients for sellers' sub-merchants; the caller closes them. None: the settings name no partner."""
    partner = settings.partner if settings.sells else None
    return PartnerClients(_given(settings, partner, redis, orders_clock, PARTNER_NOTIFY_PATH)) if partner else None


def make_partner_verifier(settings: Settings) -> PartnerCallbackVerifier:
    """Make the verifier of callbacks about sellers' orders. Raises ValueError if the settings name no partner."""
    partner = settings.partner if settings.sells else None
    if partner is None:
        raise ValueError("PAY_PARTNER_MCH_ID is empty")
    return PartnerCallbackVerifier(_platform_keys(partner), partner.api_v3_key, partner.mch_id, settings.wechat_app_id)


def _client(settings: Settings, merchant: PayValues, redis: Redis | None, orders_clock: Clock) -> PayClient:
    return PayClient(**_given(settings, merchant, redis, orders_clock, NOTIFY_PATH))


def _given(
    settings: Settings, merchant: PayValues, redis: Redis | None, orders_clock: Clock, notify_path: str
) -> dict[str, Any]:
    return {
        "api_url": settings.pay_api_url,
        "app_id": settings.wechat_app_id,
        "notify_url": settings.public_url.rstrip("/") + notify_path,
        "signer": Signer(merchant.mch_id, merchant.serial, read_private_key(merchant.private_key)),
        "keys": _platform_keys(merchant),
        "orders_clock": orders_clock,
        "breaker": Breaker(redis, f"pay:{merchant.mch_id}") if redis else None,
    }


def _platform_keys(merchant: PayValues) -> PlatformKeys:
    return PlatformKeys(read_platform_key(serial, pem) for serial, pem in merchant.public_keys.items())


def _demand_on(settings: Settings) -> None:
    if not settings.collects:
        raise ValueError("PAY_MODE is off")
