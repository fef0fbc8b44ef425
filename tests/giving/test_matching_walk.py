"""Gifts, refunds, payments, closings and cancellings in any order, beside plain arithmetic: caps and sums hold."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session as Database

from models.core.apportionment import split
from models.core.refusal import Refusal
from models.giving.pledge import raised
from models.ledger import totals
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.harness.tiers import examples
from tests.scenes.money.gifts import give, later
from tests.scenes.money.matching import (
    COUNTY,
    added,
    bounce,
    cancel,
    charity,
    in_pool,
    matched_by,
    pool,
    put,
    shut,
    take_rest,
    wrong_books,
)
from tests.scenes.money.refunds import spend, want_back

_SEATS = {"township": (DAOXIAN_MEIHUA,), "county": (COUNTY,)}
APPEALS, DONORS, TARGET, SMALLEST = 2, 2, 3_000, 100
_OFTEN = ("gift",) * 6 + ("back", "spend", "bounce") * 2
DEEDS = st.tuples(
    st.sampled_from([*_OFTEN, "put", "shut", "rest", "cancel"]),
    st.integers(0, 7),
    st.integers(0, 7),
    st.integers(1, 900),
)


@dataclass
class Gift:
    """``left`` of it; ``given``: by pool, less what went back; ``spent_match`` of that was paid out."""

    number: int
    appeal: int
    donor: int
    fen: int
    left: int
    given: dict[int, int]
    spent_match: int = 0
    here: bool = True

    @property
    def match_left(self) -> int:
        return sum(self.given.values()) - self.spent_match


@dataclass
class Pool:
    appeal: int | None
    cap: int
    per_donor: int
    per_appeal: int
    there: int
    paid_in: int
    open: bool = True


@dataclass
class Plain:
    """What the rules say, in dictionaries. Appeals, donors and pools go by their place."""

    pools: list[Pool]
    gifts: list[Gift] = field(default_factory=list)
    spent: list[int] = field(default_factory=lambda: [0] * APPEALS)
    uses: list[tuple[int, int, dict[int, tuple[int, int]]]] = field(default_factory=list)
    takes: list[bool] = field(default_factory=lambda: [True] * APPEALS)

    def held(self, appeal: int) -> int:
        return sum(gift.left + gift.match_left for gift in self.gifts if gift.appeal == appeal and gift.here)

    def room(self, appeal: int) -> int:
        return TARGET - self.held(appeal) - self.spent[appeal]

    def matched(self, pool: int, *, donor: int | None = None, appeal: int | None = None) -> int:
        return sum(
            gift.given.get(pool, 0)
            for gift in self.gifts
            if donor in (None, gift.donor) and appeal in (None, gift.appeal)
        )

    def give(self, number: int, appeal: int, donor: int, fen: int) -> Gift:
        gift = Gift(number, appeal, donor, fen, fen, {})
        self.gifts.append(gift)
        most = min(fen, self.room(appeal))
        for place, one in enumerate(self.pools):
            caps = (
                one.cap - self.matched(place),
                one.per_donor - self.matched(place, donor=donor),
                one.per_appeal - self.matched(place, appeal=appeal),
                one.there,
            )
            fits = one.open and one.appeal in (None, appeal)
            part = max(0, min(most, *caps)) if fits else 0
            if part:
                gift.given[place], one.there, most = part, one.there - part, most - part
        if self.room(appeal) < SMALLEST:
            self.takes[appeal] = False
        return gift

    def back(self, gift: Gift) -> None:
        """All that is left of it, and of what was added to it, in proportion to what each pool gave."""
        for place, part in split(gift.match_left, gift.given).items():
            gift.given[place] -= part
            self.pools[place].there += part
        gift.here, gift.left = False, 0

    def spend(self, appeal: int, fen: int) -> None:
        there, shares = {gift.number: gift for gift in self.gifts if gift.appeal == appeal and gift.here}, {}
        for number, part in split(fen, {n: g.left + g.match_left for n, g in there.items()}).items():
            gift = there[number]
            of_match = part * gift.match_left // (gift.left + gift.match_left)
            gift.spent_match += of_match
            gift.left -= part - of_match
            shares[number] = (part - of_match, of_match)
        self.spent[appeal] += fen
        self.uses.append((appeal, fen, shares))

    def bounce(self) -> bool:
        """The newest payment comes back, if all whose it was are still here; what is gone is told of elsewhere."""
        here = {gift.number: gift for gift in self.gifts if gift.here}
        if not self.uses or not self.uses[-1][2].keys() <= here.keys():
            return False
        appeal, fen, shares = self.uses.pop()
        for number, (of_gift, of_match) in shares.items():
            here[number].left += of_gift
            here[number].spent_match -= of_match
        self.spent[appeal] -= fen
        return True


class Walk:
    def __init__(self, stage: Stage) -> None:
        self.stage, self.staff = stage, charity(stage)
        officers = [stage.appoint(f"o-{role}", role, *_SEATS[role]) for role in _SEATS]
        self.seats = (officers[0], officers[1], self.staff)
        self.appeals = [stage.open_appeal(target_fen=TARGET) for _ in range(APPEALS)]
        terms = [
            Pool(None, cap=1_500, per_donor=700, per_appeal=900, there=1_200, paid_in=1_200),
            Pool(0, cap=800, per_donor=500, per_appeal=800, there=800, paid_in=800),
        ]
        self.plain = Plain(terms)
        self.pools = [
            pool(
                stage,
                self.staff,
                appeal=None if each.appeal is None else self.appeals[each.appeal],
                cap=each.cap,
                per_donor=each.per_donor,
                per_appeal=each.per_appeal,
                paid=each.there,
            )
            for each in terms
        ]

    def step(self, deed: str, one: int, other: int, fen: int) -> None:
        later(self.stage, minutes=1)
        getattr(self, deed)(one, other, fen)
        self.check()

    def gift(self, one: int, other: int, fen: int) -> None:
        appeal, donor, fen = one % APPEALS, other % DONORS, fen + SMALLEST
        taken = self.plain.takes[appeal] and fen <= self.plain.room(appeal)
        if not taken:
            with pytest.raises(Refusal):
                give(self.stage, self.appeals[appeal], fen, f"oDonor{donor}")
            return
        number = give(self.stage, self.appeals[appeal], fen, f"oDonor{donor}")
        made = self.plain.give(number, appeal, donor, fen)
        assert added(self.stage, number) == sum(made.given.values())

    def back(self, one: int, other: int, _: int) -> None:
        if not self.plain.gifts:
            return
        gift = self.plain.gifts[(one + other) % len(self.plain.gifts)]
        if not gift.here or not gift.left:
            with pytest.raises(Refusal):
                want_back(self.stage, gift.number)
            return
        assert want_back(self.stage, gift.number).amount_fen == gift.left
        self.plain.back(gift)

    def spend(self, one: int, other: int, fen: int) -> None:
        appeal = one % APPEALS
        fen = min(fen * (1 + other), self.plain.held(appeal))
        if fen:
            spend(self.stage, self.appeals[appeal], fen, int(COUNTY))
            self.plain.spend(appeal, fen)

    def bounce(self, *_: int) -> None:
        if self.plain.bounce():
            bounce(self.stage, self.seats)

    def put(self, one: int, _: int, fen: int) -> None:
        place = one % len(self.pools)
        pool = self.plain.pools[place]
        try:
            put(self.stage, self.staff, self.pools[place], fen)
        except Refusal:
            assert not pool.open or pool.paid_in + fen > pool.cap
            return
        pool.there, pool.paid_in = pool.there + fen, pool.paid_in + fen

    def shut(self, one: int, *_: int) -> None:
        with suppress(Refusal):
            shut(self.stage, self.staff, self.pools[one % len(self.pools)])
        self.plain.pools[one % len(self.pools)].open = False

    def rest(self, one: int, _: int, fen: int) -> None:
        place = one % len(self.pools)
        pool = self.plain.pools[place]
        try:
            take_rest(self.stage, self.staff, self.pools[place], fen)
        except Refusal:
            assert pool.open or fen > pool.there
            return
        pool.there, pool.paid_in = pool.there - fen, pool.paid_in - fen

    def cancel(self, one: int, *_: int) -> None:
        appeal = one % APPEALS
        if not self.plain.gifts or not self.plain.takes[appeal]:
            return
        cancel(self.stage, self.appeals[appeal])
        self.plain.takes[appeal] = False
        for gift in self.plain.gifts:
            if gift.appeal == appeal and gift.here:
                self.plain.back(gift)

    def check(self) -> None:
        plain = self.plain
        for place, number in enumerate(self.pools):
            pool = plain.pools[place]
            assert in_pool(self.stage, number) == pool.there
            assert matched_by(self.stage, number) == plain.matched(place) <= pool.cap
        for place, appeal in enumerate(self.appeals):
            with Database(self.stage.database) as db:
                sums = totals(db, appeal)
                has = raised(db, [appeal])[appeal].raised_fen
            assert sums.matched == sum(sum(gift.given.values()) for gift in plain.gifts if gift.appeal == place)
            assert sums.held == plain.held(place)
            assert has == sums.public == sums.held + plain.spent[place] <= TARGET


@pytest.mark.slow  # a long walk
@settings(
    max_examples=examples(12),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@example(deeds=[("gift", 0, 0, 500), ("spend", 0, 7, 900), ("bounce", 0, 0, 1), ("spend", 0, 0, 99), ("back", 0, 0, 1)])
@example(deeds=[("gift", 0, 0, 500), ("spend", 0, 0, 333), ("gift", 0, 1, 200), ("back", 0, 0, 1), ("cancel", 0, 0, 1)])
@example(deeds=[("gift", 0, 0, 101), ("spend", 0, 7, 900), ("gift", 0, 1, 1), ("spend", 0, 0, 1), ("cancel", 0, 0, 1)])
@given(deeds=st.lists(DEEDS, min_size=8, max_size=24))
def test_caps_and_sums_hold_in_any_order(
    database_again: Callable[[], str], deeds: list[tuple[str, int, int, int]]
) -> None:
    url = database_again()
    stage = Stage(url)
    try:
        walk = Walk(stage)
        for deed in deeds:
            walk.step(*deed)
        assert wrong_books(stage) == []
    finally:
        stage.close()
