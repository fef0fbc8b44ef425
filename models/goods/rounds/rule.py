"""Order the candidates of a round by its rule, and share out what is there: pure functions on plain numbers.

docs/rounds.md explains the rule to everybody, with an example. A version never changes once rounds were drawn by it:
another rule is another version, and a round keeps the version that it was opened with.

Version 1 adds up the points of ``Points``. Of equal sums, who missed fewer goods that were ready for them comes first,
then the lower lot, which is the SHA-256 of the round's seed and the candidate's key. Version 0 is first come, first
served (GOODS_ROUND=off): nobody has points, and the lot is the number in which the requests became public.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from models.core.measures import JIN

FIRST_COME, FAIR = 0, 1

# A visit's score, of at most 100, counts in five bands: that is all that the public rows say of it.
BAND, BANDS, BAND_POINTS = 20, 5, 10
# The days before need_by on which it becomes more urgent, a point a day.
DUE_DAYS = 14
# What a household collected in twelve months, so much each, and at most so many times.
HELPED_POINTS, MOST_HELPED = 12, 5
# For each level of region below the province that a household shares with goods that cannot be posted.
NEAR_POINTS, NEAR_LEVELS = 2, 4
# Nobody who asks later overtakes who has waited so many days longer than that: all other points together.
OVERTAKEN_FOR_DAYS = BAND_POINTS * (BANDS - 1) + DUE_DAYS + HELPED_POINTS * MOST_HELPED + NEAR_POINTS * NEAR_LEVELS

# The least that is given of what is counted, and of what is weighed (grams: a 斤).
LEAST_PIECES, LEAST_GRAMS = 1, JIN


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rule knows of a household at the close of its round.

    ``assessed``: the newest visit's score; None without a visit. ``waited``: whole days since its days count.
    ``days_left``: until the day by which it needs it; None where it named none. ``helped``, ``missed``: how often in
    twelve months. ``levels``: the levels of region that it shares with the goods, the province not counted; None where
    they are posted. ``came``: its number in the order in which the requests became public.
    """

    key: str
    assessed: int | None
    waited: int
    days_left: int | None
    helped: int
    missed: int
    levels: int | None
    came: int


@dataclass(frozen=True, slots=True)
class Points:
    """The points of each part of the rule; ``helped`` is taken off."""

    need: int = 0
    waited: int = 0
    due: int = 0
    helped: int = 0
    near: int = 0

    @property
    def score(self) -> int:
        return self.need + self.waited + self.due + self.near - self.helped


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate as the rule orders it."""

    key: str
    points: Points
    missed: int
    lot: str


def points_of(of: Standing) -> Points:
    """Compute the points of version 1."""
    return Points(
        need=need_points(of.assessed),
        waited=max(of.waited, 0),
        due=DUE_DAYS - of.days_left if of.days_left is not None and 0 <= of.days_left < DUE_DAYS else 0,
        helped=HELPED_POINTS * min(of.helped, MOST_HELPED),
        near=NEAR_POINTS * of.levels if of.levels else 0,
    )


def need_points(assessed: int | None) -> int:
    """Compute the points of a visit's score: ten for each band of twenty, from 10 to 50; without a visit 10."""
    return BAND_POINTS * (1 + min(max(assessed or 0, 0) // BAND, BANDS - 1))


def lot_of(seed: str, key: str) -> str:
    """Compute a candidate's lot: the SHA-256 of the seed's letters and the key's behind them, hexadecimal."""
    return sha256(f"{seed}{key}".encode()).hexdigest()


def hash_of(seed: str) -> str:
    """Compute what is published of a seed while its round gathers."""
    return sha256(seed.encode()).hexdigest()


def order(version: int, seed: str, candidates: Sequence[Standing]) -> list[Row]:
    """Order the candidates: the first gets its part first. The order in which they are given does not matter."""
    if version == FIRST_COME:
        rows = [Row(of.key, Points(), 0, f"{of.came:08}") for of in candidates]
    else:
        rows = [Row(of.key, points_of(of), of.missed, lot_of(seed, of.key)) for of in candidates]
    return sorted(rows, key=lambda row: (-row.points.score, row.missed, row.lot, row.key))


def ties_of(rows: Sequence[tuple[int, int]]) -> list[int]:
    """Number the ordered rows of one score by how much they missed, from 0: all that the public needs of that.

    ``rows``: the score of each and how often it missed.
    """
    ties: list[int] = []
    for place, (score, missed) in enumerate(rows):
        before = rows[place - 1] if place else None
        same = before is not None and before[0] == score
        ties.append(ties[-1] + (before[1] < missed) if same and before else 0)
    return ties


def part_of(*, weighed: bool, smallest: int) -> int:
    """Return how much one part is: the least that the donor sends, and never less than one piece or one 斤."""
    return max(smallest, LEAST_GRAMS if weighed else LEAST_PIECES)


def share(wanted: Sequence[int], there: int, part: int, smallest: int) -> list[int]:
    """Share out what is there: first one part each, in order, then second parts, until all is given or all have theirs.

    ``wanted``: how much each lacks, in order. Nobody is given less than ``smallest`` in all, or more than they want.
    """
    given = [0] * len(wanted)
    for place, lacks in enumerate(wanted):
        one = min(part, lacks, there)
        if one >= smallest:
            given[place] = one
            there -= one
    while there and (open_ := [place for place, lacks in enumerate(wanted) if 0 < given[place] < lacks]):
        # Whole turns at once: as many as everybody can still take a full part in.
        turns = min(there // (part * len(open_)), *((wanted[place] - given[place]) // part for place in open_))
        for place in open_:
            more = min(part * max(turns, 1), wanted[place] - given[place], there)
            given[place] += more
            there -= more
    return given
