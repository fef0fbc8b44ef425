"""Provide the base of money, weights and counts: a whole number above zero, between two bounds."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from flows.engine.world import World
from flows.language.numerals import Unread
from flows.readers.base import Accepted, Asking, Reading, Rejected
from flows.readers.words_reader import WORDS_WANTED, WordsReader


def is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def whole(number: Fraction | Unread, *, no_number: str, parts: str) -> int | Rejected:
    """Return an int above zero, or reject: ``no_number``, vague, not_positive, or ``parts`` (it is a fraction)."""
    if isinstance(number, Unread):
        return Rejected("vague" if number is Unread.VAGUE else no_number)
    if number <= 0:
        return Rejected("not_positive")
    return int(number) if number.denominator == 1 else Rejected(parts)


@dataclass(frozen=True)
class Bounded(WordsReader):
    """A subclass reads the number in ``number``, and names its codes ``no_number`` and ``parts`` (a fraction)."""

    min: int = 1
    max: int | None = None

    no_number: ClassVar[str]
    parts: ClassVar[str]

    @property
    def codes(self) -> tuple[str, ...]:
        below = ("below_min",) if self.min > 1 else ()
        above = ("above_max",) if self.max is not None else ()
        return (*WORDS_WANTED, self.no_number, self.parts, "vague", "not_positive", *below, *above)

    def number(self, text: str, world: World) -> Fraction | Unread:
        """Read the text as a number in the smallest unit."""
        raise NotImplementedError

    def read_words(self, text: str, asking: Asking) -> Reading:
        value = whole(self.number(text, asking.world), no_number=self.no_number, parts=self.parts)
        if isinstance(value, Rejected):
            return value
        return self.check(value, asking) or Accepted(value)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        if not is_integer(value):
            return Rejected(self.no_number)
        if value <= 0:
            return Rejected("not_positive")
        values = {"given": value, "min": self.min, "max": self.max}
        if value < self.min:
            return Rejected("below_min", values)
        return Rejected("above_max", values) if self.max is not None and value > self.max else None

    def facts(self, asking: Asking) -> dict[str, Any]:
        return {"min": self.min, "max": self.max}
