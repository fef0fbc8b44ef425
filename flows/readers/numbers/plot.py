"""Read how much land there is: 亩 and its tenths and hundredths (分, 厘), as villagers count it."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from flows.engine.world import World
from flows.language import numerals
from flows.language.numerals import Unread
from flows.language.said_numbers import said_number
from flows.readers.numbers.amounts import Unit, measure
from flows.readers.numbers.bounded import Bounded
from models.core.measures import MU

_UNITS = (
    Unit(1500, re.compile("公顷")),
    Unit(MU, re.compile("市?[亩畝][地田]?"), decimals=1),
    Unit(10, re.compile("分[地田]?")),
    Unit(1, re.compile("厘[地田]?")),
)


@dataclass(frozen=True)
class Plot(Bounded):
    """Value: hundredths of a 亩; a bare number counts 亩.

    Codes: not_text, not_heard, not_land, vague, not_positive, too_precise, above_max (``given``, ``min``, ``max``).
    """

    max: int | None = 500 * MU

    no_number: ClassVar[str] = "not_land"
    parts: ClassVar[str] = "too_precise"

    def number(self, text: str, world: World) -> Fraction | Unread:
        vague_words = world.lexicon.words["vague"]

        def strict(folded: str) -> Fraction | Unread:
            land = numerals.unless_vague(folded, _parse, vague_words)
            if land is not Unread.NOT_A_NUMBER:
                return land
            number = numerals.unless_vague(folded, numerals.parse, vague_words)
            return number if isinstance(number, Unread) else number * MU

        return said_number(text, strict, world.lexicon)


def _parse(folded: str) -> Fraction | Unread:
    land = measure(folded, _UNITS)
    return Unread.NOT_A_NUMBER if land is None else land
