"""Divide what was pledged among the growers who joined: pure functions on whole 斤.

docs/market.md explains the rule to everybody, with an example. A version never changes once campaigns were divided by
it: another rule is another version, and a campaign keeps the version that it was opened with.

Version 1. In all is divided what was pledged, or what the growers have where that is less. A grower's share is in
proportion to what its land can still give times the weight of its need, by largest remainder, of equal remainders to
the smaller key; what is more than a grower has goes to the others in the same way. Where the growers have less than was
pledged, each buyer gets in proportion to the pledge, also by largest remainder. Then each buyer's part is filled by as
few growers as can be: first who may not buy of some grower, then the larger, then the earlier pledge. It comes whole
from the grower with the least left that is enough; where none is, first all of the one with the most left.

Neither who knows whom, nor who opened the campaign, is an argument of any function here.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

from models.core.apportionment import split
from models.goods.rounds.rule import BAND, BANDS

VERSION = 1
# The weight of need is counted in eighths: a visit's score counts in five bands, from 1 to 1½.
_ONE = 8


@dataclass(frozen=True, slots=True)
class Supply:
    """A grower: what its land can still give (``stated``), the weight of its ``need``, and what it has (``cap``)."""

    key: int
    stated: int
    need: int
    cap: int

    @property
    def weight(self) -> int:
        return self.stated * self.need


@dataclass(frozen=True, slots=True)
class Demand:
    """A buyer: what was pledged. ``barred``: growers of the buyer's own household."""

    key: int
    wanted: int
    barred: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Part:
    """So much of this buyer's comes from this grower."""

    buyer: int
    grower: int
    amount: int


def need_weight(score: int | None) -> int:
    """Return the weight of a visit's score (at most 100), in eighths: from 8 to 12; without a visit 8."""
    return _ONE + min(max(score or 0, 0) // BAND, BANDS - 1)


def divide(supplies: Sequence[Supply], demands: Sequence[Demand]) -> list[Part]:
    """Divide; the order in which growers and buyers are given does not matter.

    What a buyer could only get of the own household stays with the grower: nobody gets it.
    """
    able = [supply for supply in supplies if supply.cap > 0 and supply.weight > 0]
    total = min(sum(demand.wanted for demand in demands), sum(supply.cap for supply in able))
    return fill(share(total, able), split(total, {demand.key: demand.wanted for demand in demands}), demands)


def share(total: int, supplies: Sequence[Supply]) -> dict[int, int]:
    """Share out ``total``, which is not more than all have, in proportion to the weights; nobody beyond the cap."""
    given: dict[int, int] = {}
    open_ = {supply.key: supply for supply in supplies}
    while open_:
        left, weights = total - sum(given.values()), sum(supply.weight for supply in open_.values())
        full = [supply for supply in open_.values() if left * supply.weight >= supply.cap * weights]
        if not full:
            break
        for supply in full:
            given[supply.key] = supply.cap
            del open_[supply.key]
    return {**given, **_by_largest_remainder(total - sum(given.values()), open_)}


def _by_largest_remainder(left: int, open_: dict[int, Supply]) -> dict[int, int]:
    weights = sum(supply.weight for supply in open_.values())
    parts = {key: left * supply.weight // weights for key, supply in open_.items()}
    largest = sorted(open_, key=lambda key: (-(left * open_[key].weight % weights), key))
    for key in largest[: left - sum(parts.values())]:
        parts[key] += 1
    return parts


def fill(supplied: dict[int, int], bought: dict[int, int], demands: Sequence[Demand]) -> list[Part]:
    """Fill what each buyer gets from what each grower gives: so few parts that each ends a buyer's or a grower's."""
    barred = {demand.key: demand.barred for demand in demands}
    left = sorted((amount, grower) for grower, amount in supplied.items() if amount)
    parts: list[Part] = []
    for buyer in sorted(bought, key=lambda key: (-len(barred[key] & set(supplied)), -bought[key], key)):
        lacks = bought[buyer]
        while lacks and (place := _best(left, lacks, barred[buyer])) is not None:
            amount, grower = left.pop(place)
            taken = min(amount, lacks)
            parts.append(Part(buyer, grower, taken))
            lacks -= taken
            if amount > taken:
                insort(left, (amount - taken, grower))
    return parts


def _best(left: list[tuple[int, int]], lacks: int, barred: frozenset[int]) -> int | None:
    """Find the least that is enough, else the most there is, of a grower who is not barred; None where there is none.

    Equal ones: the smaller key where it is enough, the greater where not.
    """
    enough = bisect_left(left, (lacks, 0))
    places = (*range(enough, len(left)), *range(enough - 1, -1, -1))
    return next((place for place in places if left[place][1] not in barred), None)
