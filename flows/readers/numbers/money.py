"""Read an amount of money, in any of the ways in which people write it."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from flows.engine.world import World
from flows.language import numerals
from flows.language.numerals import Unread
from flows.readers.base import Asking, Rejected
from flows.readers.numbers.amounts import Unit, measure
from flows.readers.numbers.bounded import Bounded, is_integer
from models.core.money import LARGEST, YUAN

_UNITS = (
    Unit(100, re.compile("[元块圆圓塊]"), decimals=2),
    Unit(10, re.compile("[角毛]"), decimals=1),
    Unit(1, re.compile("分")),
)
_BEFORE = re.compile("^(-?)(?:人民币|rmb|cny)?:?¥?")
_AFTER = re.compile("(?:钱|整|正|人民币|rmb)+$")


def read_fen(text: str, world: World) -> Fraction | Unread:
    """Read the amount in fen; it may be negative or a fraction of a fen."""
    return numerals.unless_vague(numerals.fold(text), _parse, world.lexicon.words["vague"])


@dataclass(frozen=True)
class Money(Bounded):
    """Value: fen, ``min`` to ``max`` (also in fen).

    Codes: not_text, not_heard, not_money, vague (三十多万), not_positive, too_precise
    (more than two decimals), absurd (above 10 亿 yuan; ``most``), and where the
    bounds allow it below_min and above_max (``given``, ``min``, ``max``).
    """

    no_number: ClassVar[str] = "not_money"
    parts: ClassVar[str] = "too_precise"

    @property
    def codes(self) -> tuple[str, ...]:
        return (*super().codes, "absurd")

    def number(self, text: str, world: World) -> Fraction | Unread:
        return read_fen(text, world)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        if is_integer(value) and value > LARGEST:
            return Rejected("absurd", {"most": LARGEST})
        return super().check(value, asking)


def _parse(folded: str) -> Fraction | Unread:
    bare = _AFTER.sub("", _BEFORE.sub(r"\1", folded))
    fen = measure(bare, _UNITS)
    if fen is not None:
        return fen
    yuan = numerals.parse(bare)
    return yuan if isinstance(yuan, Unread) else yuan * YUAN
