"""A simulated county's year of goods, by the rule that the product draws by: one stream, shared out by either version.

Households ask, offers come, rounds are drawn day by day with the pure functions of models.goods.rounds.rule, people
answer or do not, collect or do not, and food passes its day. What happens to a request or a part is drawn from its own
number, so that the two versions meet the same people.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from statistics import median

from models.goods.rounds.rule import FAIR, Standing, order, part_of, share
from models.goods.rules import GoodsRules

YEAR = 365
DONOR_LAPSES = GoodsRules().donor_lapses
# Sort -> how often of a hundred it is asked for, is given, and within how many days it spoils (None: it does not).
SORTS: dict[str, tuple[int, int, tuple[int, int] | None]] = {
    "oil": (26, 24, (60, 300)),
    "rice": (14, 14, (30, 120)),
    "fresh food": (8, 12, (8, 26)),
    "quilts": (16, 14, None),
    "coats": (12, 16, None),
    "books": (10, 12, None),
    "seeds": (8, 4, (40, 200)),
    "tools": (6, 4, None),
}
# Days from the draw: until the household answers (not on the same day, which ends with its rounds), the donor agrees
# and sends, the parcel comes, and it is collected.
ANSWERS, AGREES, TRAVELS, COLLECTED = (1, 2), (0, 3), (2, 6), (0, 9)
LAPSES_AFTER, LIES_FOR = 2, 14
ASKED_EVERY, ANSWERS_WITHIN = 60, 7


@dataclass(slots=True)
class Household:
    number: int
    assessed: int
    eager: float
    """Requests a year."""
    misses: float
    renews: float
    helped: list[int] = field(default_factory=list)
    missed: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Request:
    number: int
    household: Household
    sort: str
    wanted: int
    since: int
    need_by: int | None
    came: int = 0
    held: int = 0
    got: int = 0
    first_got: int | None = None
    ended: int | None = None

    @property
    def missing(self) -> int:
        return self.wanted - self.held - self.got


@dataclass(slots=True)
class Offer:
    number: int
    day: int
    sort: str
    left: int
    smallest: int
    spoils: int | None
    refused: set[int] = field(default_factory=set)
    live: set[int] = field(default_factory=set)
    closes: int | None = None
    lapses: int = 0


@dataclass(frozen=True, slots=True)
class Stream:
    """What happens whatever the rule: the households, and the requests and offers of each day."""

    households: tuple[Household, ...]
    requests: tuple[tuple[int, int, str, int, int | None], ...]
    offers: tuple[tuple[int, str, int, int, int | None], ...]


def stream(seed: int, households: int, offers: int, days: int = YEAR) -> Stream:
    """Draw the year from a seed. Few ask for much and many for little, and who is in need is not who asks often."""
    draw = Random(seed)
    people = tuple(
        Household(
            number,
            assessed=min(99, max(0, int(draw.gauss(48, 20)))),
            eager=min(30.0, draw.paretovariate(1.4) * 2.9),
            misses=min(0.5, draw.expovariate(18)),
            renews=1.0 if draw.random() < 0.8 else 0.6,
        )
        for number in range(households)
    )
    asked = []
    for each in people:
        for _ in range(_poisson(draw, each.eager * days / YEAR)):
            sort = _one(draw, 0)
            day = draw.randrange(days)
            need_by = day + draw.randrange(10, 90) if draw.random() < 0.3 else None
            asked.append((day, each.number, sort, draw.choice((1, 1, 1, 2, 2, 3, 4)), need_by))
    given = []
    for _ in range(offers):
        sort = _one(draw, 1)
        lasts = SORTS[sort][2]
        day = draw.randrange(days)
        spoils = day + draw.randrange(*lasts) if lasts else None
        smallest = 2 if draw.random() < 0.1 else 1
        given.append((day, sort, draw.choice((1, 1, 1, 1, 1, 2, 2, 3)) + smallest - 1, smallest, spoils))
    return Stream(people, tuple(sorted(asked, key=lambda each: each[:2])), tuple(sorted(given, key=lambda e: e[0])))


@dataclass(slots=True)
class County:
    """One version of the rule at work on a stream."""

    version: int
    seed: int
    stream: Stream
    requests: dict[str, list[Request]] = field(default_factory=dict)
    offers: list[Offer] = field(default_factory=list)
    due: dict[int, list[tuple[str, Offer, Request, int]]] = field(default_factory=dict)
    overtaken: int = 0
    """By how many days the furthest overtaking reached: a household got its first part before one that had waited so
    much longer."""
    everything: list[Request] = field(default_factory=list)
    spoilt: int = 0
    given: int = 0

    def run(self, days: int = YEAR) -> None:
        self.requests = {sort: [] for sort in SORTS}
        people = [
            Household(each.number, each.assessed, each.eager, each.misses, each.renews)
            for each in self.stream.households
        ]
        asked, given = iter(self.stream.requests), iter(self.stream.offers)
        next_asked, next_given = next(asked, None), next(given, None)
        for day in range(days):
            while next_asked and next_asked[0] == day:
                self._ask(people[next_asked[1]], *next_asked)
                next_asked = next(asked, None)
            while next_given and next_given[0] == day:
                self.offers.append(Offer(len(self.offers), day, *next_given[1:]))
                next_given = next(given, None)
            self._live(day)
        self.everything.sort(key=lambda request: request.number)

    def _ask(self, who: Household, day: int, _: int, sort: str, wanted: int, need_by: int | None) -> None:
        """One open request of a household for each sort: asking again while one is open adds nothing."""
        if any(each.household is who for each in self.requests[sort]):
            return
        request = Request(len(self.everything), who, sort, wanted, day, need_by, came=len(self.everything))
        self.everything.append(request)
        self.requests[sort].append(request)

    def _live(self, day: int) -> None:
        for what, offer, request, quantity in self.due.pop(day, ()):
            self._happen(what, offer, request, quantity, day)
        for sort, waiting in self.requests.items():
            self.requests[sort] = [each for each in waiting if self._still_stands(each, day)]
        for offer in self.offers:
            if offer.spoils is not None and day >= offer.spoils and offer.left:
                self.spoilt += offer.left
                offer.left = 0
            if offer.left >= offer.smallest and self._round_is_due(offer, day):
                self._draw(offer, day)
        self.offers = [each for each in self.offers if each.left or each.live]

    def _still_stands(self, request: Request, day: int) -> bool:
        if request.got >= request.wanted:
            request.ended = day
            return False
        waits = day - request.since
        asked_about = waits and waits % ASKED_EVERY == 0 and not request.held
        if asked_about and self._chance("renew", request.number, day) > request.household.renews:
            request.ended = day
            return False
        return True

    def _round_is_due(self, offer: Offer, day: int) -> bool:
        """A round gathers for a day, by version 0 not at all; what spoils soon is drawn on the day itself."""
        if not self._candidates(offer):
            offer.closes = None
            return False
        if offer.closes is None:
            hurry = offer.spoils is not None and offer.spoils - day <= 30
            offer.closes = day + (1 if self.version == FAIR and not hurry else 0)
        return day >= offer.closes

    def _candidates(self, offer: Offer) -> list[Request]:
        out = offer.refused | offer.live
        waiting = self.requests[offer.sort]
        return [each for each in waiting if each.missing >= offer.smallest and each.household.number not in out]

    def _draw(self, offer: Offer, day: int) -> None:
        offer.closes = None
        standing = {f"{each.number:08}": each for each in self._candidates(offer)}
        rows = order(self.version, f"{self.seed}:{offer.number}", [_standing(k, e, day) for k, e in standing.items()])
        ordered = [standing[row.key] for row in rows]
        parts = share(
            [each.missing for each in ordered],
            offer.left,
            part_of(weighed=False, smallest=offer.smallest),
            offer.smallest,
        )
        self._note_overtaking(ordered, parts)
        for request, part in zip(ordered, parts, strict=True):
            if part:
                self._propose(offer, request, part, day)

    def _note_overtaking(self, ordered: Sequence[Request], parts: Sequence[int]) -> None:
        passed_over = [each.since for each, part in zip(ordered, parts, strict=True) if not part]
        served = [each.since for each, part in zip(ordered, parts, strict=True) if part]
        if passed_over and served:
            self.overtaken = max(self.overtaken, max(served) - min(passed_over))

    def _propose(self, offer: Offer, request: Request, part: int, day: int) -> None:
        offer.left -= part
        offer.live.add(request.household.number)
        request.held += part
        about, chance = (offer.number, request.number, offer.lapses), self._chance
        wait = self._days("answer", ANSWERS, about)
        said = chance("said", *about)
        if said < 0.06:
            self._plan(day + wait, "no", offer, request, part)
        elif said < 0.10:
            self._plan(day + LAPSES_AFTER, "no", offer, request, part)
        elif chance("donor", *about) < 0.05:
            self._plan(day + wait + 3, "not sent", offer, request, part)
        else:
            came = day + wait + self._days("agree", AGREES, about) + self._days("travel", TRAVELS, about)
            if chance("missed", *about) < request.household.misses:
                self._plan(came + LIES_FOR, "missed", offer, request, part)
            else:
                self._plan(came + self._days("collect", COLLECTED, about), "collected", offer, request, part)

    def _plan(self, day: int, what: str, offer: Offer, request: Request, part: int) -> None:
        self.due.setdefault(day, []).append((what, offer, request, part))

    def _happen(self, what: str, offer: Offer, request: Request, part: int, day: int) -> None:
        """A part's end: collected and counted as help, or free again; food that comes too late is lost."""
        offer.live.discard(request.household.number)
        request.held -= part
        if what == "missed":
            request.household.missed.append(day)
        if offer.spoils is not None and day >= offer.spoils:
            self.spoilt += part
        elif what == "collected":
            self.given += part
            request.got += part
            request.first_got = day if request.first_got is None else request.first_got
            request.household.helped.append(day)
        else:
            offer.left += part
            if what == "not sent":
                offer.lapses += 1
            else:
                offer.refused.add(request.household.number)
            if offer.lapses >= DONOR_LAPSES:
                offer.left = 0

    def _chance(self, what: str, *about: int) -> float:
        """A number from 0 to 1 that belongs to these things, whatever was drawn before."""
        digest = sha256(f"{self.seed}:{what}:{about}".encode()).digest()
        return int.from_bytes(digest[:6], "big") / 2**48

    def _days(self, what: str, between: tuple[int, int], about: tuple[int, ...]) -> int:
        return between[0] + int(self._chance(what, *about) * (between[1] - between[0] + 1))


def _standing(key: str, request: Request, day: int) -> Standing:
    who, lately = request.household, day - YEAR
    return Standing(
        key=key,
        assessed=who.assessed,
        waited=day - request.since,
        days_left=None if request.need_by is None else request.need_by - day,
        helped=sum(1 for each in who.helped if each > lately),
        missed=sum(1 for each in who.missed if each > lately),
        levels=None,
        came=request.came,
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """The five figures of a year. Waits in days, of requests that got something; ``longest`` of those that wait too."""

    longest: int
    median: float
    share: float
    gini: float
    spoilt: int
    given: int


def figures(county: County, days: int = YEAR) -> Figures:
    """Compute the figures. Help per need: how often a household was helped, by the band of its need (1 to 5)."""
    got = [request.first_got - request.since for request in county.everything if request.first_got is not None]
    waiting = [days - each.since for each in county.everything if each.first_got is None and each.ended is None]
    asked = {request.household.number: request.household for request in county.everything}
    per_need = [len(each.helped) / (1 + min(each.assessed // 20, 4)) for each in asked.values()]
    return Figures(
        longest=max([*got, *waiting], default=0),
        median=median(got),
        share=sum(1 for each in asked.values() if each.helped) / len(asked),
        gini=gini(per_need),
        spoilt=county.spoilt,
        given=county.given,
    )


def gini(values: Sequence[float]) -> float:
    """Compute the Gini coefficient: 0 where all have the same, near 1 where one has everything."""
    ordered = sorted(values)
    total = sum(ordered)
    ranked = sum(place * value for place, value in enumerate(ordered, 1))
    return 2 * ranked / (len(ordered) * total) - (len(ordered) + 1) / len(ordered) if total else 0.0


def _poisson(draw: Random, mean: float) -> int:
    """Draw how many of a year's events fall to one household, by exponential gaps."""
    count, at = 0, draw.expovariate(1)
    while at < mean:
        count, at = count + 1, at + draw.expovariate(1)
    return count


def _one(draw: Random, column: int) -> str:
    return draw.choices(list(SORTS), [row[column] for row in SORTS.values()])[0]  # type: ignore[misc]


def run(seed: int, households: int, offers: int, version: int, days: int = YEAR) -> County:
    """Run a year by one version of the rule."""
    county = County(version, seed, stream(seed, households, offers, days))
    county.run(days)
    return county


def each_figure(fair: Figures, first_come: Figures) -> Iterator[tuple[str, float, float]]:
    for name in ("longest", "median", "share", "gini", "spoilt"):
        yield name, getattr(fair, name), getattr(first_come, name)
