"""Add up amounts with units (1块5, 一吨半, 3元5角2分) exactly."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from flows.language import numerals
from flows.language.numerals import Unread


@dataclass(frozen=True, slots=True)
class Unit:
    """``size``: in the smallest unit. ``decimals``: how many bare digits may follow as the unit's decimals (1块5)."""

    size: int
    names: re.Pattern[str]
    decimals: int = 0


def measure(folded: str, units: Sequence[Unit]) -> Fraction | Unread | None:
    """Add up numbers with units, largest unit first. None: the text has no unit.

    A unit's name needs a number before it, so 两 is a digit in 两百克 and a unit in 三两.
    """
    rest, total = folded, Fraction(0)
    last: Unit | None = None
    for unit in units:
        name = unit.names.search(rest, 1)
        if name is None:
            continue
        number = _number(rest[: name.start()])
        if isinstance(number, Unread):
            return number
        if last and not (_is_whole(total, last) and 0 <= number * unit.size < last.size):
            return Unread.NOT_A_NUMBER
        total += number * unit.size
        rest, last = rest[name.end() :], unit
    if last is None:
        return None
    return _with_rest(total, last, rest)


def _number(text: str) -> Fraction | Unread:
    return Fraction(1, 2) if text == "半" else numerals.parse(text)


def _with_rest(total: Fraction, last: Unit, rest: str) -> Fraction | Unread:
    """Add what follows the last unit: nothing, 半, or its decimals."""
    if not rest:
        return total
    decimals = numerals.digits(rest) or ""
    if not _is_whole(total, last) or total < 0:
        return Unread.NOT_A_NUMBER
    if rest == "半":
        return total + Fraction(last.size, 2)
    if 0 < len(decimals) <= last.decimals:
        return total + Fraction(int(decimals) * last.size, 10 ** len(decimals))
    return Unread.NOT_A_NUMBER


def _is_whole(total: Fraction, unit: Unit) -> bool:
    """Tell whether more may follow the unit: after 3元, but not after 1.5元."""
    return (total / unit.size).denominator == 1
