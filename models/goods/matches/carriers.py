"""Read waybills, and tell by its number which carrier has a parcel."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from models.core.refusal import Refusal

_BETWEEN = re.compile(r"[\s\-_.·:：]")
# Shorter ones are order numbers or phone extensions, longer ones two numbers in one.
_WAYBILL = re.compile(r"[A-Z0-9]{8,30}")
_FEWEST_DIGITS = 6


class BadWaybill(Refusal):
    """This is no waybill's number: of 8 to 30 letters and digits, with at least six digits. ``given``: what it was."""

    code = "bad_waybill"


class Carriers(Protocol):
    """An adapter to the carriers: one that asks them over the network has the same method."""

    def carrier_of(self, waybill: str) -> str | None:
        """Return the code of the carrier (config/choices.toml, ``carrier``); None where it cannot be told."""


@dataclass(frozen=True, slots=True)
class CarriersByNumber:
    """Tell the carrier from how its numbers look. ``patterns``: (code, pattern) pairs; the first that fits counts."""

    patterns: Sequence[tuple[str, re.Pattern[str]]] = ()

    def carrier_of(self, waybill: str) -> str | None:
        return next((code for code, pattern in self.patterns if pattern.fullmatch(waybill)), None)


# Without patterns no carrier is told.
NO_CARRIERS = CarriersByNumber()


def normal_waybill(given: str) -> str:
    """Return the number without spaces and strokes, in half width and capitals. Raises BadWaybill."""
    waybill = _BETWEEN.sub("", unicodedata.normalize("NFKC", given)).upper()
    if not _WAYBILL.fullmatch(waybill) or sum(sign.isdigit() for sign in waybill) < _FEWEST_DIGITS:
        raise BadWaybill(given=given[:30])
    return waybill
