"""Two lots of one tree: an officer reads who else may have stated the land of a listing, and nobody else does."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count

import pytest

from models.appeals.beneficiary import answer
from models.core.state_machine import SYSTEM
from models.families.moving import lock_households, move
from models.goods.ending import end
from models.market.file import seller_file
from models.market.same_land import SameLand
from models.market.submission import submit_listing
from models.organisations.organisation import Organisation
from models.people.user import Household, User
from tests.harness.stage import Stage
from tests.scenes.families import name_member, number_of
from tests.scenes.orchard import RULES, Orchard
from tests.scenes.organisations import ask_in_its_name, confirm

VILLAGE = "431124101208"
MAYBE = "同一块地可能报了两遍"


@dataclass
class Village(Orchard):
    """A cooperative for which the orchard's owner speaks, and a neighbour."""

    serials: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.owner = self.stage.register("o-long", "resident", VILLAGE)
        self.neighbour = self.stage.register("o-chen", "resident", VILLAGE)
        self.number = confirm(self.stage, "o-long", VILLAGE, "cooperative")
        self.stage.appoint("o-village", "village", VILLAGE)

    def lists_for(self, user: int, plot: int, **other: object) -> int:
        self.owner, before = user, self.owner
        number = self.lists(replace(self.oranges(10, plot=plot), **other))  # type: ignore[arg-type]
        self.owner = before
        return number

    def cooperative_lists(self, plot: int) -> int:
        with self.session() as db:
            organisation, speaker = db.get_one(Organisation, self.number), db.get_one(User, self.owner)
            wanted, now = self.oranges(10, plot=plot), self.stage.clock()
            return submit_listing(db, wanted, speaker, now, RULES, organisation=organisation).id

    def found(self, listing: int) -> SameLand | None:
        with self.session() as db:
            return seller_file(db, listing, RULES).same_land


@pytest.fixture
def village(database_url: str) -> Iterator[Village]:
    stage = Stage(database_url)
    yield Village(stage)
    stage.close()


def test_a_cooperatives_land_and_that_of_who_speaks_for_it_are_named_to_the_officer_of_either(
    village: Village,
) -> None:
    own, its = village.lists_for(village.owner, 150), village.cooperative_lists(2_000)
    village.lists_for(village.neighbour, 300)
    read = {number: village.stage.say("o-village", f"看 集市{number}") for number in (own, its)}
    assert max(len(each.encode()) for each in read.values()) < 1_600
    assert f"跟这家有关的“道县第1村柑橘合作社”也报了这一季的这样东西（集市 {its} 号），连这里一共 21.5 亩" in read[own]
    assert f"跟它有关的 1 户也报了这一季的这样东西（集市 {own} 号），连这里一共 21.5 亩" in read[its]
    for openid in ("o-long", "o-chen", "o-passer-by"):
        assert MAYBE not in village.stage.say(openid, f"看 集市{own}")
    with village.session() as db:
        end(db, village.owner, "listing", own, "withdrawn", village.stage.clock())
    assert MAYBE not in village.stage.say("o-village", f"看 集市{its}")


def test_whom_it_helps_are_named_once_they_agreed_and_neither_another_crop_nor_another_season_is(
    village: Village,
) -> None:
    road, its = ask_in_its_name(village.stage, village.number), village.cooperative_lists(2_000)
    own = village.lists_for(village.neighbour, 300)
    village.lists_for(village.neighbour, 50, crop="vegetable", name="白菜")
    for said, tied in (("declined", False), ("agreed", True)):
        with village.session() as db:
            answer(db, db.get_one(User, village.neighbour), road, said, village.stage.clock())
        assert village.found(its) == (SameLand((), 1, (own,), 2_300) if tied else None)
        shown = village.found(own)
        assert (shown and (shown.families, shown.listings, shown.plot)) == ((0, (its,), 2_300) if tied else None)


def test_one_person_in_two_households_is_named_and_so_is_land_of_which_somebody_parted(village: Village) -> None:
    first, second = village.lists_for(village.owner, 100), village.lists_for(village.neighbour, 200)
    assert village.found(first) is None
    name_member(village.stage, "o-long", number_of(village.stage, "o-chen"))
    assert village.found(first) == SameLand((), 1, (second,), 300)
    assert village.found(second) == SameLand((), 1, (first,), 300)
    with village.session() as db:
        older, younger = (db.get_one(User, each).household_id or 0 for each in (village.owner, village.neighbour))
        new = Household(region_code=VILLAGE, created_at=village.stage.clock())
        db.add(new)
        db.flush()
        for source, target in ((younger, older), (older, new.id)):
            held = {each.id: each for each in lock_households(db, [source, target])}
            move(db, [village.neighbour], held[source], held[target], SYSTEM, village.stage.clock())
    # Each has the joint land until they state their own.
    assert village.found(first) == SameLand((), 1, (second,), 600)
    assert village.found(second) == SameLand((), 1, (first,), 600)
