"""Read an amount of money, in any of the ways in which people write it."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from flows.engine.world import World
from flows.language import numerals
from flows.language.numerals import Unread
from flows.language.said_numbers import said_number
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
# After words that nobody listed only these are money: 学费五百, 医药费3200, but not 孩子八 nor 大家一块.
_UNMISTAKABLE = re.compile("^(?!一块$).*(?:[元块圆圓塊毛角]|[1-9一二三四五六七八九两][百千万亿]|[0-9]{2})")


def read_fen(text: str, world: World) -> Fraction | Unread:
    """Read the amount in fen; it may be negative or a fraction of a fen."""
    return numerals.unless_vague(numerals.fold(text), _parse, world.lexicon.words["vague"])


def read_said_fen(text: str, world: World, leads: str = "", *, known_words: bool = False) -> Fraction | Unread:
    """Read the amount in fen, also out of a short sentence (就捐20吧), where it is the only number.

    ``leads``: the name of further words that may stand before it. ``known_words``: no others may.
    """
    vague_words = world.lexicon.words["vague"]

    def strict(folded: str) -> Fraction | Unread:
        return numerals.unless_vague(folded, _parse, vague_words)

    also = world.lexicon.words[leads] if leads else ()
    unmistakable = None if known_words else _UNMISTAKABLE
    return said_number(text, strict, world.lexicon, unmistakable=unmistakable, also=also)


@dataclass(frozen=True)
class Money(Bounded):
    """Value: fen, ``min`` to ``max`` (also in fen); the amount may stand in a short sentence (我捐五十块).
    ``leads``: the name of further words that may stand before it.

    Codes: not_text, not_heard, not_money, vague (三十多万), not_positive, too_precise
    (more than two decimals), absurd (above 10 亿 yuan; ``most``), and where the
    bounds allow it below_min and above_max (``given``, ``min``, ``max``).
    """

    leads: str = ""

    no_number: ClassVar[str] = "not_money"
    parts: ClassVar[str] = "too_precise"

    @property
    def codes(self) -> tuple[str, ...]:
        return (*super().codes, "absurd")

    def number(self, text: str, world: World) -> Fraction | Unread:
        return read_said_fen(text, world, self.leads)

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
