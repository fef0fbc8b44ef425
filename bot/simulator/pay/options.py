"""Define the options of the simulator's Pay: the merchant that it plays, and the sub-merchants that it signs for."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from bot.simulator.pay.paid import PaidOrder


class Kind(StrEnum):
    """What the merchant proves the platform by."""

    PUBLIC_KEY = "public-key"
    """A merchant since October 2024: the platform's public key and no certificate (WxJava #3402, #3412)."""
    CERTIFICATE = "certificate"
    """An older merchant: platform certificates, and the public key to move to."""


@dataclass(frozen=True)
class SubMerchant:
    """A sub-merchant (特约商户) of the merchant, which is its partner (服务商); ``name`` stands on the pay sheet."""

    number: str
    name: str


def read_sub_merchants(written: str) -> tuple[SubMerchant, ...]:
    """Read ``number=name``, with commas between several. Raises ValueError."""
    pairs = [pair.partition("=") for pair in written.split(",") if pair.strip()]
    if not all(number.strip().isdecimal() and name.strip() for number, _, name in pairs):
        raise ValueError("sub-merchants: number=name, with commas between several")
    return tuple(SubMerchant(number.strip(), name.strip()) for number, _, name in pairs)


@dataclass(frozen=True)
class PayOptions:
    """``keys_dir``: where the keys are kept between runs and read by the merchant's server; None: in memory only."""

    mchid: str = "1900000109"
    kind: Kind = Kind.PUBLIC_KEY
    keys_dir: Path | None = None
    http_on_loopback: bool = True
    """The platform takes https alone for notify_url. True: http to this very machine passes as well."""
    refund_seconds: float = 60.0
    """How long a refund takes: to the change purse it is minutes; how many is nowhere written."""
    release_seconds: float = 60.0
    """How long a release of frozen money takes; nowhere written."""
    freeze_days: float = 30.0
    """Frozen money is its sub-merchant's own by itself after so many days (PW/doc/v3/merchant/4014547102)."""
    pin: str = field(default="123456", repr=False)
    """Everybody's payment password here."""
    paid: tuple[PaidOrder, ...] = ()
    """Orders of the merchant's that were paid before the simulator started."""
    sub_merchants: tuple[SubMerchant, ...] = ()
    """For whom the merchant signs, as their partner."""
