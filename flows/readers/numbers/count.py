"""Read a count: a whole number above zero, with or without a measure word."""

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from flows.engine.world import World
from flows.language import numerals
from flows.language.numerals import Unread
from flows.language.said_numbers import said_number
from flows.readers.numbers.bounded import Bounded


@dataclass(frozen=True)
class Count(Bounded):
    """Value: an int, ``min`` to ``max``. One measure word (个, 袋, 箱 …) may follow the number.

    Codes: not_text, not_heard, not_a_count, vague, not_positive, not_whole,
    above_max, and with a ``min`` above 1 below_min; the last two with ``given``,
    ``min``, ``max``.
    """

    max: int | None = 1_000_000

    no_number: ClassVar[str] = "not_a_count"
    parts: ClassVar[str] = "not_whole"

    def number(self, text: str, world: World) -> Fraction | Unread:
        measures = sorted(world.lexicon.words["measure"], key=len, reverse=True)
        vague_words = world.lexicon.words["vague"]

        def parse(folded: str) -> Fraction | Unread:
            ending = next((word for word in measures if folded.endswith(word)), "")
            return numerals.parse(folded.removesuffix(ending))

        def strict(folded: str) -> Fraction | Unread:
            return numerals.unless_vague(folded, parse, vague_words)

        return said_number(text, strict, world.lexicon)
