"""The merchant whose money this is."""

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
class PayOptions:
    """``keys_dir``: where the keys are kept between runs and read by the merchant's server; None: in memory only."""

    mchid: str = "1900000109"
    kind: Kind = Kind.PUBLIC_KEY
    keys_dir: Path | None = None
    http_on_loopback: bool = True
    """The platform takes https alone for notify_url. True: http to this very machine passes as well."""
    refund_seconds: float = 60.0
    """How long a refund takes: to the change purse it is minutes; how many is nowhere written."""
    pin: str = field(default="123456", repr=False)
    """Everybody's payment password here."""
    paid: tuple[PaidOrder, ...] = ()
    """Orders of the merchant's that were paid before the simulator started."""
