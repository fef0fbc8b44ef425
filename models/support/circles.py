"""Count how many people stand behind several reports: accounts of one circle count as one.

Pure: what ties people is in docs/reports.md, and models.support.reporters reads it from the database.
"""

import itertools
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# Accounts that began within this time of one another are taken for one person's.
TOGETHER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Reporter:
    """One person as the count sees them. ``marks``: whoever shares one of them is of one circle (a household, a phone).

    ``begun``: when their account began, and when they registered.
    """

    marks: frozenset[Hashable]
    begun: tuple[datetime, ...] = ()


def count_circles(reporters: Sequence[Reporter]) -> int:
    """Count the circles: people tied to one another, also through others, are one. Their order does not matter."""
    heads = list(range(len(reporters)))

    def head(place: int) -> int:
        while heads[place] != place:
            heads[place] = heads[heads[place]]
            place = heads[place]
        return place

    for one, other in (*_same_mark(reporters), *_same_time(reporters)):
        heads[head(one)] = head(other)
    return sum(head(place) == place for place in range(len(reporters)))


def _same_mark(reporters: Sequence[Reporter]) -> Iterable[tuple[int, int]]:
    seen: dict[Hashable, int] = {}
    for place, reporter in enumerate(reporters):
        for mark in reporter.marks:
            yield place, seen.setdefault(mark, place)


def _same_time(reporters: Sequence[Reporter]) -> Iterable[tuple[int, int]]:
    """Pair neighbours in time: of three accounts, the first and the last may be tied only through the second."""
    moments = sorted((moment, place) for place, reporter in enumerate(reporters) for moment in reporter.begun)
    for (before, one), (after, other) in itertools.pairwise(moments):
        if after - before <= TOGETHER:
            yield one, other
