"""What a household lists of a crop fits on its land, over all its listings and however many list at once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session as Database

from models.goods.ending import end
from models.market.listing import Listing
from models.market.rules import Crop, MarketRules
from models.market.statement import OverPlot, PlotNotSeen
from models.market.submission import ListingInUse, set_stock
from models.stock.move import move
from tests.harness.racing import at_once
from tests.harness.stage import Stage
from tests.scenes.goods import LEXICON
from tests.scenes.orchard import RULES, Orchard

# One 亩 gives 2,670 斤 of oranges, 5,340 in a good year.
MOST = 5_340


@pytest.fixture
def orchard(database_url: str) -> Iterator[Orchard]:
    stage = Stage(database_url)
    yield Orchard(stage)
    stage.close()


@pytest.mark.parametrize(
    ("day", "season"),
    [(date(2026, 6, 30), 2025), (date(2026, 7, 1), 2026), (date(2026, 12, 31), 2026), (date(2027, 2, 1), 2026)],
)
def test_oranges_of_december_and_february_are_one_harvest(day: date, season: int) -> None:
    crop = RULES.crop("citrus")
    assert crop
    assert crop.season_of(day) == season


def test_a_name_says_which_crop_of_its_group_it_is() -> None:
    said = {
        ("fruit", "高山红富士苹果"): "apple",
        ("fruit", "佳县滩枣"): "fruit",
        ("grain", "自家红薯"): "tuber",
        ("grain", "新大米"): "grain",
        ("animal", "土鸡蛋"): None,
        ("oil", "带壳花生"): "oil",
        ("oil", "油菜籽"): "oil",
        ("oil", "油茶籽"): "oil",
        ("oil", "农家好油"): "pressed_oil",
        ("oil", "油菜籽油"): "pressed_oil",
        ("oil", "野生山茶油"): "camellia_oil",
        ("oil", "油茶籽油"): "camellia_oil",
    }
    found = {asked: RULES.crop_of(*asked) for asked in said}
    assert {asked: crop and crop.code for asked, crop in found.items()} == said


def test_a_county_may_call_for_buyers_of_every_crop() -> None:
    assert set(LEXICON.choices["campaign_crop"]) == {crop.code for crop in RULES.crops}


@pytest.mark.parametrize(("name", "most"), [("山茶油", 88), ("花生油", 328), ("花生", 1_040)])
def test_a_mu_gives_as_much_oil_as_is_pressed_of_what_grows_on_it(name: str, most: int) -> None:
    crop = RULES.crop_of("oil", name)
    assert crop
    assert RULES.most_grams(crop, 100) == most * 500


@given(plot=st.integers(1, 50_000), average=st.integers(1, 20_000), best=st.integers(100, 400))
def test_more_land_gives_more_and_two_parts_never_more_than_the_whole(plot: int, average: int, best: int) -> None:
    crop = Crop("x", "x", (), average, 1, 1, 1)
    rules = MarketRules(crops=(crop,), best_of_hundred=best)
    part = plot // 2
    apart = rules.most_grams(crop, part) + rules.most_grams(crop, plot - part)
    assert 0 <= rules.most_grams(crop, plot) - apart <= 1


def test_two_listings_of_one_tree_share_its_land(orchard: Orchard) -> None:
    orchard.lists(orchard.oranges(5_000))
    with pytest.raises(OverPlot) as refused:
        orchard.lists(orchard.oranges(341))
    assert (refused.value.values["listed"], refused.value.values["left"]) == (5_000 * 500, 340 * 500)
    orchard.lists(orchard.oranges(40))
    orchard.lists(orchard.boxes(30, 5_000))
    with pytest.raises(OverPlot):
        orchard.lists(orchard.boxes(1, 5_000))
    assert orchard.wrong() == []


def test_before_the_harvest_a_part_may_be_sold(orchard: Orchard) -> None:
    growing = replace(orchard.oranges(4_273), harvest_date=date(2026, 12, 20))
    with pytest.raises(OverPlot) as refused:
        orchard.lists(growing)
    assert refused.value.values["share"] == 80
    number = orchard.lists(replace(growing, stock=4_272 * 500))
    orchard.mends(number, orchard.oranges(MOST))  # it is picked
    assert orchard.wrong() == []


def test_what_was_sold_counts_and_what_is_withdrawn_does_not(orchard: Orchard) -> None:
    first = orchard.sells(5_000)
    with orchard.session() as db:
        move(db, db.get_one(Listing, first), "reserve", 1_000 * 500, "test", orchard.stage.clock())
        end(db, orchard.owner, "listing", first, "withdrawn", orchard.stage.clock())
    orchard.lists(orchard.oranges(4_340))
    with pytest.raises(OverPlot):
        orchard.lists(orchard.oranges(1))
    assert orchard.wrong() == []


def test_land_that_nobody_has_seen_gives_nothing_to_what_is_on_sale(orchard: Orchard) -> None:
    number = orchard.sells(5_000)
    orchard.lists(orchard.oranges(10, plot=200))
    with orchard.session() as db, pytest.raises(PlotNotSeen):
        set_stock(db, orchard.owner, number, 5_100 * 500, orchard.stage.clock(), RULES)
    with orchard.session() as db:
        set_stock(db, orchard.owner, number, 4_000 * 500, orchard.stage.clock(), RULES)
    with pytest.raises(OverPlot):  # nor may less land be stated than what is listed grows on
        orchard.lists(orchard.oranges(10, plot=50))


def test_sixteen_that_list_the_last_of_it_at_once_come_to_what_the_land_gives(
    new_database: Callable[[], str],
) -> None:
    """It takes a database of its own: 16 transactions at once."""
    stage = Stage(new_database())
    orchard = Orchard(stage)
    orchard.lists(orchard.oranges(MOST - 250))
    wanted = [orchard.oranges(100) for _ in range(16)]
    results = at_once([lambda each=each: orchard.lists(each) for each in wanted])  # type: ignore[misc]
    assert sum(isinstance(result, int) for result in results) == 2
    assert sum(isinstance(result, OverPlot) for result in results) == 14
    assert orchard.wrong() == []
    stage.close()


def test_the_books_name_what_is_listed_beyond_the_land(orchard: Orchard) -> None:
    orchard.lists(orchard.oranges(5_000))
    with Database(orchard.stage.database) as db, db.begin():
        db.execute(text("UPDATE producer_statements SET most_grams = 1"))
    assert [found.split(":")[0] for found in orchard.wrong()] == ["over_plot"]
    with Database(orchard.stage.database) as db, db.begin():
        db.execute(text("DELETE FROM producer_statements"))
    assert [found.split(":")[0] for found in orchard.wrong()] == ["not_stated"]


def test_what_was_ordered_stays_what_it_is_in_its_unit_and_season(orchard: Orchard) -> None:
    """Else stock that is freed would count in another unit, and what was sold in another harvest."""
    number = orchard.sells(1_000)
    with orchard.session() as db:
        move(db, db.get_one(Listing, number), "reserve", 100 * 500, "test", orchard.stage.clock())
    same = orchard.oranges(900)
    for other in (
        orchard.boxes(90, 5_000),
        replace(same, crop="vegetable"),
        replace(same, harvest_date=date(2028, 11, 20)),
        replace(same, kind="handicraft", crop=None, plot=None),
    ):
        with pytest.raises(ListingInUse):
            orchard.mends(number, other)
    orchard.mends(number, replace(same, name="自家的脐橙", price_fen=280))
    with orchard.session() as db:
        listing = db.get_one(Listing, number)
        assert (listing.unit, listing.price_fen, listing.reserved) == ("jin", 280, 100 * 500)
    assert orchard.wrong() == []
