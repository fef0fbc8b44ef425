"""Make the client and the callback's verifier from the settings, for jobs and for the web application."""

from redis import Redis

from bot.pay.callback import CallbackVerifier
from bot.pay.client import PayClient
from bot.pay.signatures import PlatformKeys, Signer
from bot.registry.breaker import Breaker
from bot.work.clock import Clock, true_now
from config.pay import read_platform_key, read_private_key
from config.settings import Settings

NOTIFY_PATH = "/pay/notify"


def make_pay_client(settings: Settings, redis: Redis | None = None, orders_clock: Clock = true_now) -> PayClient:
    """Make the process's client; the caller closes it. With ``redis``, all processes share a circuit breaker.

    ``orders_clock``: the time by which orders expire, the conversation's.

    Raises ValueError if PAY_MODE is off.
    """
    _demand_on(settings)
    return PayClient(
        api_url=settings.pay_api_url,
        app_id=settings.wechat_app_id,
        notify_url=settings.public_url.rstrip("/") + NOTIFY_PATH,
        signer=Signer(
            settings.pay_mch_id, settings.pay_serial, read_private_key(settings.pay_private_key.get_secret_value())
        ),
        keys=_platform_keys(settings),
        orders_clock=orders_clock,
        breaker=Breaker(redis, "pay") if redis else None,
    )


def make_callback_verifier(settings: Settings) -> CallbackVerifier:
    """Make the verifier of callbacks. Raises ValueError if PAY_MODE is off."""
    _demand_on(settings)
    key = settings.pay_api_v3_key.get_secret_value()
    return CallbackVerifier(_platform_keys(settings), key, settings.pay_mch_id, settings.wechat_app_id)


def _platform_keys(settings: Settings) -> PlatformKeys:
    return PlatformKeys(read_platform_key(serial, pem) for serial, pem in settings.pay_public_keys.items())


def _demand_on(settings: Settings) -> None:
    if not settings.collects:
        raise ValueError("PAY_MODE is off")
