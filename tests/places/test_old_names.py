"""Somebody names a place as it was called: they are offered what it went into, and asked, never taken at a guess."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.places.load import load_regions
from bot.places.lookup import find_places, get_place
from bot.places.rows import Row
from bot.wechat.codec import REPLY_BYTES
from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from flows.engine.flow import Say
from flows.engine.world import World
from flows.readers import Place
from flows.readers.base import Accepted, Asking, Offer, Reading, Rejected
from models.core.database import connect
from models.people.user import User
from models.places.region import level_of
from tests.harness.stage import Stage
from tests.harness.transcript import Actor
from tests.harness.words.reading import said

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
NEW_TOWN, OLD_TOWN, OTHER_TOWN = "431124901000", "431124902000", "431124903000"
PEACE, HAPPY, OTHER_HAPPY, GONE = "431124901201", "431124902201", "431124903201", "431124902202"
TREE = {
    NEW_TOWN: "新桥镇",
    OLD_TOWN: "旧桥镇",
    OTHER_TOWN: "石桥镇",
    PEACE: "和平村",
    HAPPY: "幸福村",
    OTHER_HAPPY: "幸福村",
    GONE: "荒坪村",
}
ENDS: Mapping[str, str | None] = {OLD_TOWN: NEW_TOWN, HAPPY: PEACE, GONE: None}
FULL = "湖南省永州市道县新桥镇和平村"


def rows(names: Mapping[str, str], ends: Mapping[str, str | None]) -> list[Row]:
    return [
        Row(
            code,
            name,
            level_of(code),
            "f.csv",
            line,
            {"valid_to": date(2026, 1, 1), "successor": ends[code]} if code in ends else {},
        )
        for line, (code, name) in enumerate(names.items(), 2)
    ]


@pytest.fixture
def world(database_url: str) -> Iterator[Callable[..., World]]:
    """Makes it of these names and ends, beside the country's; once a test."""
    database = connect(database_url)

    def make(names: Mapping[str, str] = TREE, ends: Mapping[str, str | None] = ENDS) -> World:
        load_regions(database, rows(names, ends), now=NOW)
        return World(NOW, load_lexicon(), partial(find_places, db), region=partial(get_place, db))

    with Database(database) as db:
        yield make
    database.dispose()


def read(world: World, typed: str, level: str = "township") -> Reading:
    return Place(level=level).read(said(typed), Asking(world))  # type: ignore[arg-type]


def offered(reading: Reading) -> list[tuple[str, str | None]]:
    assert isinstance(reading, Offer), reading
    assert all(value["name"] == label for label, value in reading.options)
    return [(label, value.get("formerly")) for label, value in reading.options]


@pytest.mark.parametrize(
    "typed",
    ["道县旧桥镇幸福村", "湖南省永州市道县旧桥镇幸福村", "旧桥镇幸福村", "道县新桥镇幸福村", "新桥镇幸福村三组"],
)
def test_the_old_name_is_offered_as_what_it_is_today(world: Callable[..., World], typed: str) -> None:
    assert offered(read(world(), typed)) == [(FULL, "幸福村")]


def test_of_several_with_the_name_one_is_picked(world: Callable[..., World]) -> None:
    names = offered(read(world(), "幸福村"))
    assert (FULL, "幸福村") in names
    assert ("湖南省永州市道县石桥镇幸福村", None) in names


def test_todays_name_is_taken_as_ever(world: Callable[..., World]) -> None:
    tree = world()
    assert isinstance(read(tree, "道县新桥镇和平村"), Accepted)
    assert isinstance(read(tree, "道县石桥镇幸福村"), Accepted)
    assert (FULL, None) in offered(read(tree, "和平村"))


def test_a_place_that_kept_its_name_under_another_code_is_just_itself(world: Callable[..., World]) -> None:
    tree = world({NEW_TOWN: "新桥镇", OLD_TOWN: "新桥镇"}, {OLD_TOWN: NEW_TOWN})
    reading = read(tree, "道县新桥镇")
    assert isinstance(reading, Accepted), reading
    assert (reading.value["code"], "formerly" in reading.value) == (NEW_TOWN, False)


def test_where_its_own_name_stayed_the_old_one_is_told_in_full(world: Callable[..., World]) -> None:
    tree = world({**TREE, PEACE: "幸福村"})
    assert offered(read(tree, "道县旧桥镇幸福村")) == [("湖南省永州市道县新桥镇幸福村", "湖南省永州市道县旧桥镇幸福村")]


def test_what_ended_for_good_is_no_place(world: Callable[..., World]) -> None:
    assert read(world(), "荒坪村") == Rejected("place_unknown", {"given": "荒坪村"})


def test_a_chain_is_followed_to_its_end(world: Callable[..., World]) -> None:
    tree = world(TREE, {**ENDS, PEACE: OTHER_HAPPY})
    assert offered(read(tree, "旧桥镇幸福村")) == [("湖南省永州市道县石桥镇幸福村", "湖南省永州市道县旧桥镇幸福村")]


def test_an_old_county_is_too_wide_under_its_new_name(world: Callable[..., World]) -> None:
    tree = world({"431198000000": "潇水县"}, {"431198000000": "431124000000"})
    reading = read(tree, "潇水县")
    assert isinstance(reading, Rejected)
    assert reading.values["names"] == ["湖南省永州市道县"]
    assert reading.values["formerly"] == {"湖南省永州市道县": "潇水县"}


def test_a_stored_place_that_ended_is_asked_for_again(world: Callable[..., World]) -> None:
    tree = world()
    check = Place(level="township").check
    old = {"code": HAPPY, "name": "湖南省永州市道县旧桥镇幸福村"}
    assert check(old, Asking(tree)) == Rejected("place_gone", {"name": old["name"], "now": FULL})
    gone = {"code": GONE, "name": "荒坪村"}
    assert check(gone, Asking(tree)) == Rejected("place_gone", {"name": "荒坪村", "now": ""})
    assert check({"code": PEACE, "name": FULL}, Asking(tree)) is None


@pytest.mark.parametrize("step", ["people/register/home", "appeals/start_appeal/place", "goods/offer_goods/place"])
def test_the_longest_list_of_old_names_fits(step: str) -> None:
    long, old = "新疆维吾尔自治区巴音郭楞蒙古自治州博斯腾湖乡乌图阿热勒村民委员会居委会", "某" * 15
    facts = {"offered": [(n, long) for n in range(1, 10)], "meant": [{"formerly": old}] * 9}
    reply = Renderer(load_lexicon().words).say(Say(f"flows/{step}", "which", {"v": facts}))
    assert f"9 {long}（{old}现在归这里）" in reply
    assert len(reply.encode()) <= REPLY_BYTES


REGISTERING = """\
@ wang
> 注册
> 同意
> 一
> 1
> 王秀兰
> 431124190101010011
> 13800000000
< register/home:ask
"""


@pytest.fixture
def actor(database_url: str) -> Iterator[Actor]:
    stage = Stage(database_url)
    load_regions(stage.database, rows(TREE, {}), now=NOW)
    yield Actor(stage, times=2)
    stage.close()


def test_who_registers_by_the_old_name_confirms_the_new_one(actor: Actor) -> None:
    load_regions(actor.stage.database, rows(TREE, ENDS), now=NOW)
    actor.play(
        REGISTERING
        + """\
> 道县旧桥镇幸福村
< register/home:which
<~ 您家是在这里吗？
<~ 1 湖南省永州市道县新桥镇和平村（幸福村现在归这里）
<~ 是，就回复 1；不是，就把县和乡镇一起写出来。
> 没有的地方
< register/home:place_unknown
> 是
< register/review
<~ 住在：湖南省永州市道县新桥镇和平村
> 确认
< register/done
"""
    )
    with Database(actor.stage.database) as db:
        assert db.scalars(select(User.region_code)).all() == [PEACE]


def test_a_village_that_ends_while_somebody_registers_is_asked_for_again(actor: Actor) -> None:
    actor.play(
        REGISTERING
        + """\
> 道县旧桥镇幸福村
< register/review
<~ 住在：湖南省永州市道县旧桥镇幸福村
"""
    )
    load_regions(actor.stage.database, rows(TREE, ENDS), now=NOW)
    actor.play(
        """\
@ wang
> 确认
< register/home:place_gone
< register/home:ask
<~ “湖南省永州市道县旧桥镇幸福村”现在归“湖南省永州市道县新桥镇和平村”了。
> 道县新桥镇和平村
< register/review
> 确认
< register/done
"""
    )
    with Database(actor.stage.database) as db:
        assert db.scalars(select(User.region_code)).all() == [PEACE]
