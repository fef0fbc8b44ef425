"""Read a price per unit, which people often give with its unit: 三块五一斤, 每斤3.5, 3.5元/斤."""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from flows.language import numerals
from flows.language.lexicon import Lexicon
from flows.language.numerals import Unread
from flows.language.said_numbers import without_tail
from flows.readers.base import Asking, Reading, Rejected
from flows.readers.numbers.money import Money

UNITS = "price_unit"
_NUMBER = "(?P<number>[0-9零一二三四五六七八九两十百千万半.]+)"
# These make a number before them money, so that 3块5一斤 is not read as 3块51斤.
_MONEY = "[元块圆圓塊角毛分钱]"


class _Said(NamedTuple):
    """An amount and, in the person's words, what it is said to be for (``of``; "" where that is not said)."""

    amount: str
    of: str = ""
    unit: str = ""
    """A key of the choice set; "" where the price is for several units or a part of one."""


@dataclass(frozen=True)
class Price(Money):
    """Money for one unit: the answer to ``unit_step``, a key of ``price_unit``, which may be said with the amount.

    ``unit``: the unit where it is always the same, and no step asks for it.
    One code more than Money, other_unit (``given``: the person's words), for another
    unit or several of them (十块三斤). One fact more, ``unit``: the label of the unit.
    """

    unit_step: str = "unit"
    unit: str | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        return (*super().codes, "other_unit")

    def read_words(self, text: str, asking: Asking) -> Reading:
        lexicon = asking.world.lexicon
        said = _parted(without_tail(numerals.fold(text)[: numerals.LONGEST], lexicon), lexicon)
        if said is None:
            return super().read_words(text, asking)
        if said.unit != self._unit(asking):
            return Rejected("other_unit", {"given": said.of})
        return super().read_words(said.amount, asking)

    def facts(self, asking: Asking) -> dict[str, Any]:
        unit = self._unit(asking)
        label = asking.world.lexicon.label(UNITS, unit) if unit else ""
        return {**super().facts(asking), "unit": label}

    def _unit(self, asking: Asking) -> str | None:
        return self.unit or asking.answers.get(self.unit_step)


def _parted(folded: str, lexicon: Lexicon) -> _Said | None:
    """Split the text into the amount and what it is for; None where only an amount is said."""
    words = sorted((word for words in lexicon.choices[UNITS].values() for word in words), key=len, reverse=True)
    unit = f"(?P<unit>{'|'.join(map(re.escape, words))})"
    verbs = "|".join(map(re.escape, lexicon.words["costs"]))
    for shape in (
        rf"(?P<amount>.+?)(?:/1?|每一?|(?<={_MONEY})1|一){unit}",
        rf"(?:每一?|[一1]){unit}(?:{verbs})?[:,]?(?P<amount>.+)",
        rf"(?P<amount>.+{_MONEY})/?{_NUMBER}{unit}",
        rf"(?P<amount>.+)/{_NUMBER}{unit}",
        rf"{_NUMBER}{unit}(?:{verbs})?[:,]?(?P<amount>.+)",
    ):
        match = re.fullmatch(shape, folded)
        if match and not _is_one_number(folded, match["unit"]):
            return _said(match, lexicon)
    return None


def _said(match: re.Match[str], lexicon: Lexicon) -> _Said:
    parts = match.groupdict()
    number, unit = parts.get("number"), parts["unit"]
    key = lexicon.pick(UNITS, unit) or ""
    return _Said(parts["amount"], f"{number}{unit}", "") if number else _Said(parts["amount"], unit, key)


def _is_one_number(folded: str, unit: str) -> bool:
    """Tell whether all before the unit is one number: 三十一斤 may mean thirty yuan per 斤 or 31 斤."""
    before = folded.removesuffix(unit)
    return before != folded and numerals.parse(before) is not Unread.NOT_A_NUMBER
