"""Read a quantity in the unit that was chosen; one in another unit (两袋 of what is counted in 件) is asked about."""

from dataclasses import dataclass
from typing import Any

from flows.language import numerals
from flows.language.lexicon import Lexicon
from flows.language.numerals import Unread
from flows.language.said_numbers import said_number, without_tail
from flows.language.wording import clean
from flows.readers.base import Accepted, Asking, Offer, Reading, Rejected
from flows.readers.numbers.count import Count
from flows.readers.numbers.weight import Weight
from flows.readers.words.choice import Choice

UNITS = "unit"
_ALL_UNITS = "price_unit"
# Everything is counted by it, in bags as well.
_ANY = "个"
_NO_UNIT = "none_of_them"
_LONGEST = 20


def said_unit(text: str, lexicon: Lexicon) -> tuple[str, str] | None:
    """Return the word for a unit behind the number, and its key among the units; "" for one that cannot be chosen.

    None: there is no number, or no unit behind it.
    """
    folded = without_tail(numerals.fold(text), lexicon)
    words = (word for words in lexicon.choices[_ALL_UNITS].values() for word in words)
    word = max((word for word in words if folded.endswith(word)), key=len, default="")
    number = said_number(folded.removesuffix(word), numerals.parse, lexicon) if word else Unread.NOT_A_NUMBER
    if number is Unread.NOT_A_NUMBER:
        return None
    key = lexicon.pick(UNITS, word) or lexicon.pick(_ALL_UNITS, word) or ""
    return word, "" if key == _NO_UNIT else key


class UnitChoice(Choice):
    """Value: a key of ``unit``, also out of a whole quantity (100斤)."""

    def __init__(self) -> None:
        super().__init__(UNITS)

    def read_words(self, text: str, asking: Asking) -> Reading:
        reading = super().read_words(text, asking)
        said = said_unit(text, asking.world.lexicon)
        return Accepted(said[1]) if isinstance(reading, Rejected) and said and said[1] else reading


@dataclass(frozen=True)
class UnitCount(Count):
    """A count of the unit that was chosen (``unit_step``); in another unit it is asked back (macro ``which``).

    One code more than Count, other_unit: it is a weight (``given``). One fact more, ``unit``: the label of the unit.
    """

    unit_step: str = "unit"

    @property
    def codes(self) -> tuple[str, ...]:
        return (*super().codes, "other_unit")

    @property
    def speaks(self) -> tuple[str, ...]:
        return ("which",)

    def read_words(self, text: str, asking: Asking) -> Reading:
        said = said_unit(text, asking.world.lexicon)
        reading = super().read_words(text, asking)
        if said is None or said[0] == _ANY or said[1] == asking.answers.get(self.unit_step):
            return reading
        given = " ".join(clean(text).split())[:_LONGEST]
        if isinstance(reading, Accepted):
            return Offer(((given, reading.value),))
        return Rejected("other_unit", {"given": given}) if reading == Rejected(self.no_number) else reading

    def facts(self, asking: Asking) -> dict[str, Any]:
        return {**super().facts(asking), "unit": _label(asking, self.unit_step)}


@dataclass(frozen=True)
class UnitWeight(Weight):
    """A weight; one code more than Weight, other_unit: it is a count of something (``given``)."""

    @property
    def codes(self) -> tuple[str, ...]:
        return (*super().codes, "other_unit")

    def read_words(self, text: str, asking: Asking) -> Reading:
        reading = super().read_words(text, asking)
        if reading == Rejected(self.no_number) and said_unit(text, asking.world.lexicon):
            return Rejected("other_unit", {"given": " ".join(clean(text).split())[:_LONGEST]})
        return reading


def _label(asking: Asking, unit_step: str) -> str:
    unit = asking.answers.get(unit_step)
    return asking.world.lexicon.label(UNITS, unit) if unit else ""
