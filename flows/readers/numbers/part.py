"""Read how much of something there is, which may be none, in pieces or by weight."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flows.engine.world import World
from flows.language import numerals
from flows.language.numerals import Unread
from flows.readers.base import Accepted, Asking, Reading, Rejected
from flows.readers.numbers.bounded import is_integer
from flows.readers.numbers.count import Count
from flows.readers.numbers.quantity import said_unit
from flows.readers.numbers.weight import Weight
from flows.readers.words_reader import WORDS_WANTED, WordsReader
from models.core.measures import JIN

_MILLI = 1000
_MOST = 10**9


@dataclass(frozen=True)
class Part(WordsReader):
    """Value: {"milli": thousandths, "weighed": whether it was said as a weight, None of a bare number}.

    The thousandths are of a 斤 where it was weighed, else of a piece, or of whatever a bare number counts. A word for
    none (没有) is 0. Codes: not_text, not_heard, not_part.
    """

    @property
    def codes(self) -> tuple[str, ...]:
        return (*WORDS_WANTED, "not_part")

    def read_words(self, text: str, asking: Asking) -> Reading:
        lexicon = asking.world.lexicon
        if lexicon.means("skip", text) or numerals.read(text) == Fraction(0):
            return Accepted({"milli": 0, "weighed": None})
        bare = numerals.read(text, lexicon.words["vague"])
        if isinstance(bare, Fraction):
            return self._value(bare, None)
        said = said_unit(text, lexicon)
        counted = Count().number(text, asking.world)
        if isinstance(counted, Fraction) and not (said and said[1] == "jin"):
            return self._value(counted, weighed=False)
        grams = Weight().number(text, asking.world)
        return Rejected("not_part") if isinstance(grams, Unread) else self._value(grams / JIN, weighed=True)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        whole = isinstance(value, dict) and is_integer(value.get("milli")) and 0 <= value["milli"] <= _MOST
        return None if whole else Rejected("not_part")

    def shown(self, value: Any, world: World) -> Any:
        return f"{value['milli'] / _MILLI:g}"

    def _value(self, number: Fraction, weighed: bool | None) -> Reading:
        milli = number * _MILLI
        if milli.denominator != 1 or not 0 <= milli <= _MOST:
            return Rejected("not_part")
        return Accepted({"milli": int(milli), "weighed": weighed})


def part_of(value: dict[str, Any], unit: str) -> int | None:
    """Return the quantity in the offer's unit, in grams for 斤; None where it was said in another measure."""
    by_weight = unit == "jin"
    if value["weighed"] is not None and value["weighed"] != by_weight and value["milli"]:
        return None
    amount = Fraction(value["milli"], _MILLI) * (JIN if by_weight else 1)
    return int(amount) if amount.denominator == 1 else None
