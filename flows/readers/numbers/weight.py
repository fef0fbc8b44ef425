"""Read a weight with its unit: 斤 and 吨 as villagers say them, kilograms as labels print them."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from flows.engine.world import World
from flows.language import numerals
from flows.language.numerals import Unread
from flows.language.said_numbers import said_number
from flows.readers.base import Asking, Reading, Rejected
from flows.readers.numbers.amounts import Unit, measure
from flows.readers.numbers.bounded import Bounded
from models.core.measures import JIN

TONNE = 1_000_000
# Above any county's harvest: Daoxian picks 140,000 tonnes of oranges in a year.
MOST = 1_000_000 * TONNE

_UNITS = (
    Unit(TONNE, re.compile("公?[吨噸]|t")),
    Unit(1000, re.compile("公斤|千克|kg")),
    Unit(JIN, re.compile("市?斤"), decimals=1),
    Unit(50, re.compile("两")),
    Unit(1, re.compile("克|g")),
)


@dataclass(frozen=True)
class Weight(Bounded):
    """Value: grams, ``min`` to ``max`` (also in grams). 1 斤 is 500 g, 1 两 is 50 g.

    Codes: not_text, not_heard, not_weight, no_unit (a bare number), vague,
    not_positive, too_precise (a fraction of a gram), above_max, and with a ``min``
    above 1 below_min; the last two with ``given``, ``min``, ``max``.

    ``bare``: how many grams a bare number counts, where the unit was asked before; then there is no no_unit.
    """

    max: int | None = MOST
    bare: int | None = None

    no_number: ClassVar[str] = "not_weight"
    parts: ClassVar[str] = "too_precise"

    @property
    def codes(self) -> tuple[str, ...]:
        return super().codes if self.bare else (*super().codes, "no_unit")

    def number(self, text: str, world: World) -> Fraction | Unread:
        vague_words = world.lexicon.words["vague"]

        def strict(folded: str) -> Fraction | Unread:
            grams = numerals.unless_vague(folded, _parse, vague_words)
            if grams is Unread.NOT_A_NUMBER and self.bare:
                number = numerals.unless_vague(folded, numerals.parse, vague_words)
                return number if isinstance(number, Unread) else number * self.bare
            return grams

        return said_number(text, strict, world.lexicon)

    def read_words(self, text: str, asking: Asking) -> Reading:
        reading = super().read_words(text, asking)
        if self.bare or reading != Rejected(self.no_number):
            return reading
        match numerals.read(text, asking.world.lexicon.words["vague"]):
            case Unread.NOT_A_NUMBER:
                return reading
            case Unread.VAGUE:
                return Rejected("vague")
        return Rejected("no_unit")


def _parse(folded: str) -> Fraction | Unread:
    grams = measure(folded, _UNITS)
    return Unread.NOT_A_NUMBER if grams is None else grams
