"""Which typed names are taken as a place, and which only offered: on the real tree, found as the bot finds it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
from sqlalchemy.orm import Session

from bot.places.load import DEMO_VILLAGES, DIVISIONS, load_regions, read_regions
from bot.places.lookup import find_places, get_place
from bot.words.lexicon import load_lexicon
from flows.engine.world import Region, World
from flows.readers import Place
from flows.readers.base import Accepted, Asking, Offer, Reading, Rejected
from models.core.database import connect
from tests.harness.words.reading import said

MEIHUA = "湖南省永州市道县梅花镇"


@pytest.fixture(scope="module")
def world(module_database: str) -> Iterator[World]:
    database = connect(module_database)
    load_regions(database, [*read_regions(DIVISIONS), *read_regions(DEMO_VILLAGES)])
    with Session(database) as db:
        now = datetime(2026, 11, 24, tzinfo=UTC)
        yield World(now, load_lexicon(), partial(find_places, db), region=partial(get_place, db))
    database.dispose()


def officers(world: World, seat: str) -> World:
    """The world of an officer of this place, as the bot makes it."""
    find: Callable[..., list[Region]] = world.find_regions  # type: ignore[assignment]
    return replace(world, find_regions=partial(find, near=seat))


def read(world: World, typed: str, level: str = "township") -> Reading:
    return Place(level=level).read(said(typed), Asking(world))  # type: ignore[arg-type]


def too_wide(*names: str, level: str = "township") -> Rejected:
    return Rejected("place_too_wide", {"names": list(names), "formerly": {}, "level": level})


def offered(reading: Reading) -> list[str]:
    assert isinstance(reading, Offer), reading
    return [label for label, _ in reading.options]


@pytest.mark.parametrize(
    "typed",
    [
        "道县梅花镇",
        "道县 梅花镇",
        "道县，梅花镇。",
        "湖南道县梅花",
        "湖南省永州市道县梅花镇",
        "永州市梅花镇",
        "我家住在道县梅花镇",
        "中国湖南省永州市道县梅花镇政府",
        "湖南省 永州市 道县 梅花镇 大路边3号",
        "道县梅花镇湾头村三组",
    ],
)
def test_a_township_named_behind_its_county_is_taken(world: World, typed: str) -> None:
    reading = read(world, typed)
    assert isinstance(reading, Accepted), reading
    assert reading.value["name"] == MEIHUA


def test_people_shorten_the_names_of_minorities_counties(world: World) -> None:
    for typed in (
        "江华县码市镇",
        "江华码市镇",
        "江华瑶族自治县码市镇",
        "隆回虎形山乡",
        "隆回县虎形山瑶族乡",
        "江华沱江镇",
    ):
        assert isinstance(read(world, typed), Accepted), typed
    for typed in ("江华县", "江华", "城步县", "城步", "新晃"):
        assert isinstance(read(world, typed, "county"), Accepted), typed


def test_people_leave_off_what_makes_an_area_new(world: World) -> None:
    for typed in ("上海市浦东", "上海浦东", "浦东新区"):
        reading = read(world, typed, "county")
        assert isinstance(reading, Accepted), typed
        assert reading.value["name"] == "上海市浦东新区"
    assert "上海市浦东新区" in offered(read(world, "浦东", "county"))


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("永州", ["湖南省永州市"]),
        ("安康", ["陕西省安康市"]),
        ("开封", ["河南省开封市"]),
        ("永州市", ["湖南省永州市"]),
        ("湖南湾头村", ["湖南省"]),
        ("道县湾头村三组", ["湖南省永州市道县"]),
        ("吉林市", ["吉林省吉林市"]),
        ("海南", ["海南省", "青海省海南藏族自治州", "内蒙古自治区乌海市海南区"]),
        ("凉山", ["四川省凉山彝族自治州"]),
        ("凉山州", ["四川省凉山彝族自治州"]),
        ("新晃县", ["湖南省怀化市新晃侗族自治县"]),
    ],
)
def test_a_city_is_not_taken_for_a_township_of_its_name(world: World, typed: str, names: list[str]) -> None:
    assert read(world, typed) == too_wide(*names)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("道县城关镇", "湖南省永州市道县"),
        ("隆回城关镇", "湖南省邵阳市隆回县"),
        ("湖南省江华县梅花镇", "湖南省永州市江华瑶族自治县"),
        ("湖南城关镇", "湖南省"),
    ],
)
def test_no_place_is_offered_outside_the_one_that_was_named(world: World, typed: str, name: str) -> None:
    assert read(world, typed) == too_wide(name)


def test_a_place_called_by_an_ending_alone_is_none_of_that_ending(world: World) -> None:
    assert offered(read(world, "濂溪街道")) == ["湖南省永州市道县濂溪街道"]
    assert isinstance(read(world, "新疆和田皮山县街道"), Accepted)


@pytest.mark.parametrize("typed", ["湾头村三组", "湾头村", "火星村", "我们三组"])
def test_a_village_that_is_not_known_is_not_taken_for_a_township_far_away(world: World, typed: str) -> None:
    assert read(world, typed) == Rejected("place_unknown", {"given": typed})


@pytest.mark.parametrize(
    ("typed", "among"),
    [
        ("永州镇", "广西壮族自治区南宁市马山县永州镇"),
        ("湾头镇", "江苏省扬州市广陵区湾头镇"),
        ("湾头", "江苏省扬州市广陵区湾头镇"),
        ("梅花镇", MEIHUA),
        ("道县梅花村", MEIHUA),
        ("道县大梅花镇", MEIHUA),
        ("我们道县的梅花镇", MEIHUA),
        ("虎形山瑶族乡", "湖南省邵阳市隆回县虎形山瑶族乡"),
    ],
)
def test_what_is_not_sure_is_offered(world: World, typed: str, among: str) -> None:
    assert among in offered(read(world, typed))


def test_a_village_needs_a_township_that_no_other_place_has(world: World) -> None:
    assert isinstance(read(world, "道县梅花镇贵头村"), Accepted)
    assert offered(read(world, "贵头村"))


def test_where_a_county_is_enough_it_may_stand_alone(world: World) -> None:
    for typed in (
        "道县",
        "岳麓区",
        "长沙市岳麓区",
        "东西在岳麓区",
        "长沙县",
        "湖南省长沙市岳麓区麓山南路",
        "中山小榄镇",
    ):
        assert isinstance(read(world, typed, "county"), Accepted), typed
    assert read(world, "长沙", "county") == too_wide("湖南省长沙市", level="county")
    assert offered(read(world, "朝阳区", "county")) == ["北京市朝阳区", "吉林省长春市朝阳区"]
    assert offered(read(world, "不知道县里", "county")) == ["湖南省永州市道县"]


def test_a_township_named_by_its_own_officer_is_theirs(world: World) -> None:
    assert len(offered(read(world, "梅花镇"))) > 1
    for seat in ("431124101000", "431124000000"):
        assert offered(read(officers(world, seat), "梅花镇")) == [MEIHUA]
        assert offered(read(officers(world, seat), "梅花")) == [MEIHUA]
    # Of the 88 of this name nine are offered to others, and this one is not among them.
    assert "湖北省襄阳市南漳县城关镇" not in offered(read(world, "城关镇"))
    assert offered(read(officers(world, "420624000000"), "城关镇")) == ["湖北省襄阳市南漳县城关镇"]


def test_a_township_called_like_a_city_is_its_own_officers_township(world: World) -> None:
    assert isinstance(read(world, "沙市"), Rejected)
    assert offered(read(officers(world, "430181126000"), "沙市")) == ["湖南省长沙市浏阳市沙市镇"]


def test_an_officer_can_still_name_another_place(world: World) -> None:
    daoxian = officers(world, "431124101000")
    assert read(daoxian, "隆回县虎形山瑶族乡") == read(world, "隆回县虎形山瑶族乡")
    assert "湖南省永州市道县梅花镇" not in str(read(daoxian, "广东省韶关市乐昌市梅花镇"))
    assert read(daoxian, "湾头镇") == read(world, "湾头镇")
    assert read(daoxian, "永州市") == read(world, "永州市")


def test_no_city_or_county_becomes_a_township_by_itself(world: World) -> None:
    """Every short name of a city or county: it is too wide, or it is asked back."""
    names = [row.name for row in read_regions(DIVISIONS) if row.level in ("city", "county") and 3 <= len(row.name) <= 5]
    taken = [name for name in sorted(names)[::7] if isinstance(read(world, name[:-1]), Accepted)]
    assert taken == []
