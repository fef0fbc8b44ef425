"""Read the smallest part of a quantity that is worth sending: any part, only all of it, or a quantity."""

from collections.abc import Mapping
from typing import Any

from flows.engine.world import World
from flows.language.lexicon import Lexicon
from flows.readers.base import Accepted, Asking, Reading, Rejected
from flows.readers.numbers.bounded import is_integer
from flows.readers.numbers.quantity import UnitCount, UnitWeight
from flows.readers.numbers.weight import TONNE
from flows.readers.words.choice import Choice
from models.core.measures import JIN

ANY_PART, WHOLE = "any", "whole"


class SmallestPart(Choice):
    """Value: ``any``, ``whole``, or a quantity in the unit that was chosen before (grams of ``jin``).

    A bare number picks from the list; a quantity has its unit behind it (5桶). Facts besides those of Choice:
    ``unit``, its label. Codes: those of Choice, and too_much, with ``given`` and ``most`` in the unit.
    """

    def __init__(self) -> None:
        super().__init__("smallest_part")

    @property
    def codes(self) -> tuple[str, ...]:
        return (*super().codes, "too_much")

    def read_words(self, text: str, asking: Asking) -> Reading:
        key = self.exact(text, asking)
        if key is not None:
            return Accepted(key)
        by_weight = asking.answers.get("unit") == "jin"
        reader = UnitWeight(max=TONNE * 1000, bare=JIN) if by_weight else UnitCount(max=1_000_000_000)
        reading = reader.read_words(_bare(text, asking.world.lexicon), asking)
        if isinstance(reading, Accepted):
            return self.check(reading.value, asking) or reading
        return Rejected("not_a_choice")

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        if not is_integer(value):
            return super().check(value, asking)
        most = quantity_in(asking.answers)
        if value < 1:
            return Rejected("not_a_choice")
        return Rejected("too_much", {"given": value, "most": most, **self.facts(asking)}) if value > most else None

    def shown(self, value: Any, world: World) -> Any:
        return value if is_integer(value) else super().shown(value, world)

    def facts(self, asking: Asking) -> dict[str, Any]:
        unit = asking.answers.get("unit")
        return {**super().facts(asking), "unit": asking.world.lexicon.label("unit", unit) if unit else ""}


def _bare(text: str, lexicon: Lexicon) -> str:
    """Return the text without the words around a smallest part: 最少两桶, 两桶起."""
    said = text.strip()
    for word in sorted(lexicon.words["at_least"], key=len, reverse=True):
        said = said.removeprefix(word).removesuffix(word)
    return said


def quantity_in(answers: Mapping[str, Any]) -> int:
    """Return how much was answered, in the unit that was chosen; 0 before it is."""
    return int(answers.get("weight" if answers.get("unit") == "jin" else "count") or 0)
