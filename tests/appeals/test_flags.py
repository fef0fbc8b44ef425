"""What is worth a second look: read from budget lines as people write them, kept once, and never a refusal."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from bot.words.lexicon import load_lexicon
from bot.words.norms import BadNorms, read_norms
from flows.language import norms
from models.appeals.appeal import Appeal
from models.appeals.flag import CODES, LOOK_BACK, Flag, NewFlag, flag_words, flags_of, raise_flag
from models.people.photo import Photo, fingerprint_columns
from tests.harness.drawn_pictures import FOUND
from tests.harness.platform import wechat
from tests.harness.stage import Stage

LEXICON = load_lexicon()
NAMES = sorted(LEXICON.norms.named)
STORY = "我家四口人，种了三亩橘子，去年冬天冻坏了一半。想学一门手艺，在家里接活，两个孩子上学的钱就有了，日子会好起来。"


@pytest.mark.parametrize(
    ("item", "yuan"),
    [
        ("缝纫机", 2500),
        ("缝纫机 2台", 5000),
        ("2台缝纫机", 5000),
        ("两台缝纫机", 5000),
        ("缝纫机x2", 5000),
        ("缝纫机×２", 5000),
        ("缝纫机（上海牌）2台", 5000),
        ("买缝纫机一台", 2500),
        ("缝纫机费用", 2500),
        ("电动三轮车", 8000),
        ("一辆电动三轮车", 8000),
        ("55寸电视", 2500),
        ("电视机2台55寸", 5000),
        ("冰箱 200升", 2500),
        ("2米x3米床", 2000),
        ("水泥50袋", 2000),
        ("425水泥50袋", 2000),
        ("水泥 10吨", 7000),
        ("水泥10袋和沙子2吨", 840),
        ("水管100米", 4000),
        ("红砖1万块", 15000),
        ("鸡苗五百只", 7500),
        ("牛犊两头", 20000),
        ("大棚2亩", 60000),
        ("学费一年", 16000),
        ("2个孩子学费1年", 32000),
        ("植保无人机", 70000),
    ],
)
def test_the_most_that_a_line_usually_costs_is_read_from_it(item: str, yuan: int) -> None:
    assert norms.usual_fen(item, LEXICON) == yuan * 100


@pytest.mark.parametrize(
    "item",
    [
        "水泥",  # of how much?
        "水泥几袋",
        "水泥和沙子",
        "水泥50袋和人工",
        "缝纫机维修",
        "缝纫机线",
        "手机壳",
        "羊毛衫",
        "水泥路",
        "绣花",
        "5000",
        "",
    ],
)
def test_what_cannot_be_judged_is_let_pass(item: str) -> None:
    assert norms.usual_fen(item, LEXICON) is None


@given(st.sampled_from(NAMES), st.integers(1, 500), st.integers(2, 9))
def test_twice_as_many_cost_twice_as_much_wherever_the_number_stands(name: str, count: int, times: int) -> None:
    unit = LEXICON.norms.named[name].prices[0].per[0]
    once = norms.usual_fen(f"{name} {count}{unit}", LEXICON)
    assert once
    assert norms.usual_fen(f"{name} {count * times}{unit}", LEXICON) == once * times
    assert norms.usual_fen(f"{count}{unit}{name}", LEXICON) == once
    assert norms.usual_fen(f"购买{name}：{count}{unit}", LEXICON) == once


@given(st.text(max_size=60), st.integers(1, 10**11))
def test_any_words_are_read_and_no_flag_is_written_twice(words: str, fen: int) -> None:
    found = norms.signs(words, words, [(words, fen), (words, fen)], LEXICON)
    assert len(set(found)) == len(found)
    assert {sign.code for sign in found} <= set(CODES)


@given(st.sampled_from(NAMES), st.integers(1, 99))
def test_only_what_costs_more_than_usual_is_dear(name: str, count: int) -> None:
    item = f"{name} {count}{LEXICON.norms.named[name].prices[0].per[0]}"
    usual = norms.usual_fen(item, LEXICON)
    assert usual
    dear = [
        [sign for sign in norms.signs("", "", [(item, fen)], LEXICON) if sign.code == "over_price"]
        for fen in (usual, usual + 1)
    ]
    assert dear == [[], [NewFlag("over_price", item, usual)]]


@pytest.mark.parametrize(
    ("title", "story", "item", "found"),
    [
        ("买跑步机", "", "薄膜", [("odd_item", "跑步机")]),
        ("盖大棚", "", "进口跑步机", [("odd_item", "跑步机")]),
        ("盖大棚", "村里有人买轿车", "薄膜", []),
        ("盖大棚", "想要一件始祖鸟", "薄膜", [("brand", "始祖鸟")]),
        ("盖大棚", "想要 始 祖 鸟 ", "薄膜", [("brand", "始祖鸟")]),
        ("买ＩＰＨＯＮＥ", "", "iPhone15 手机", [("brand", "iphone")]),
        ("盖大棚", "", "oLVe 薄膜", []),
        ("种黄金梨", "我们靠黄金百香果和乡村旅游", "植保无人机", []),
        ("苹果和小米", "我们种苹果，也种小米", "苹果苗", []),
    ],
)
def test_odd_things_and_brands_are_told_from_what_only_sounds_so(
    title: str, story: str, item: str, found: list[tuple[str, str]]
) -> None:
    assert [(sign.code, sign.item) for sign in norms.signs(title, story, [(item, 1)], LEXICON)] == found


# --- The list itself


def entry(**changes: Any) -> dict[str, Any]:
    return {"words": ["犁"], "prices": [{"per": ["把"], "low": 1, "high": 2}], **changes}


def listed(*things: dict[str, Any], **words: list[str]) -> dict[str, Any]:
    return {"tails": ["费"], "things": {"x": list(things)}, "words": {"odd": [], "brands": [], "harmless": [], **words}}


def test_the_list_is_large_enough_to_matter() -> None:
    assert len(LEXICON.norms.things) >= 60
    assert all(price.low_fen <= price.high_fen for thing in LEXICON.norms.things for price in thing.prices)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (listed(entry(prices=[{"per": ["把"], "low": 3, "high": 2}])), "low to high"),
        (listed(entry(prices=[{"per": ["把"], "low": 0, "high": 2}])), "above zero"),
        (listed(entry(prices=[{"per": [], "low": 1, "high": 2}])), "some unit"),
        (listed(entry(prices=[{"per": ["把", "把"], "low": 1, "high": 2}])), "each unit once"),
        (listed(entry(), entry()), "'犁' stands twice"),
        (listed(entry(), odd=["犁"]), "'犁' stands twice"),
        (listed(odd=["ＬＶ"]), "ever folded"),
        (listed(harmless=[""]), "ever folded"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(bad: dict[str, Any], says: str) -> None:
    with pytest.raises(BadNorms, match=says):
        read_norms(bad)


# --- Kept with the appeal


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    stage.register("o-wang", "resident")
    stage.appoint("o-zhou", "village")
    yield stage
    stage.close()


def ask(stage: Stage, who: str = "o-wang", kind: str = "4", budget: str = "缝纫机 5000", media: str = "m-1") -> int:
    """A resident asks through the door; each message arrives twice."""
    picture = wechat.message("image", who, PicUrl="http://127.0.0.1/p.jpg", MediaId=media)
    words = ["求助", "想学一门手艺", kind, "5000", budget, STORY, "完成"]
    after = ["完成", "湖南省永州市道县梅花镇", "60天后", "确认"]
    for xml in [*(wechat.text(word, who) for word in words), picture, *(wechat.text(w, who) for w in after)]:
        first, second = stage.deliver(xml), stage.deliver(xml)
        assert first == second
        if xml is picture:
            fetch(stage, media)
    assert stage.said == ["start_appeal/done"], first
    with Database(stage.database) as db:
        return db.scalars(select(Appeal.id).order_by(Appeal.id.desc())).first() or 0


def fetch(stage: Stage, media: str) -> None:
    """As the worker keeps a draft's picture: always the same one."""
    with Database(stage.database) as db, db.begin():
        db.execute(
            update(Photo)
            .where(Photo.media_id == media)
            .values(state="kept", path="1.jpg", **fingerprint_columns(FOUND))
        )


def raised(stage: Stage, appeal: int) -> list[tuple[str, str]]:
    with Database(stage.database) as db:
        return [(flag.code, flag.item) for flag in flags_of(db, appeal)]


def test_a_plain_appeal_has_none(stage: Stage) -> None:
    appeal = ask(stage, budget="工业缝纫机 2台 5000")
    assert raised(stage, appeal) == []
    assert "提醒" not in stage.say("o-zhou", f"看 {appeal}")


def test_an_earlier_appeal_of_the_household_is_named_for_two_years(stage: Stage) -> None:
    first = ask(stage)
    other_kind = ask(stage, kind="1", media="m-2")
    assert ("asked_before", str(first)) not in raised(stage, other_kind)
    with Database(stage.database) as db, db.begin():
        db.execute(update(Appeal).values(state="cancelled"))
    stage.clock.move(timedelta(days=700))
    again = ask(stage, media="m-3")
    assert ("asked_before", str(first)) in raised(stage, again)
    assert f"求助过同一类的事，是 {first} 号" in stage.say("o-zhou", f"看 {again}")
    with Database(stage.database) as db, db.begin():
        db.execute(update(Appeal).values(state="cancelled"))
    stage.clock.move(LOOK_BACK)
    assert not any(code == "asked_before" for code, _ in raised(stage, ask(stage, media="m-4")))


def test_a_picture_that_was_fetched_while_the_draft_was_open_is_compared_when_it_is_handed_in(stage: Stage) -> None:
    stage.register("o-li", "resident")
    first = ask(stage)
    second = ask(stage, "o-li", media="m-2")
    assert ("photo_reused", str(first)) in raised(stage, second)
    assert not any(code == "photo_reused" for code, _ in raised(stage, first))
    assert f"有照片和别家的很像，是求助 {first} 号的" in stage.say("o-zhou", f"看 {second}")


def test_a_flag_stands_once_however_often_it_is_raised(stage: Stage) -> None:
    appeal = stage.open_appeal()
    with Database(stage.database) as db, db.begin():
        for _ in range(3):
            raise_flag(db, appeal, "brand", "耐克", stage.clock())
        raise_flag(db, appeal, "over_price", "缝" * 80, stage.clock(), 5)
    assert raised(stage, appeal) == [("over_price", "缝" * 60), ("brand", "耐克")]


def test_flags_on_words_follow_what_is_written_and_the_others_stay(stage: Stage) -> None:
    appeal = stage.open_appeal()
    now = stage.clock()
    with Database(stage.database) as db, db.begin():
        raise_flag(db, appeal, "photo_reused", "7", now)
        flag_words(db, appeal, [NewFlag("brand", "耐克"), NewFlag("over_price", "床", 5)], now)
        flag_words(db, appeal, [NewFlag("over_price", "床", 6)], now)
    with Database(stage.database) as db:
        kept = db.execute(select(Flag.code, Flag.item, Flag.usual_fen).order_by(Flag.id)).all()
    assert kept == [("photo_reused", "7", None), ("over_price", "床", 6)]


def test_every_code_has_its_words(new_database: Callable[[], str]) -> None:
    stage = Stage(new_database())
    words = stage.app.extensions["bangfu"]["turns"].renderer.env.get_template("shared/appeals/flags.txt").module
    stage.close()
    for code in CODES:
        flag = Flag(code=code, item="case:7" if code == "photo_reused" else "缝纫机", usual_fen=250_000)
        said = str(words.lines([flag], 0))
        assert said.startswith("· ")
        assert flag.item.rpartition(":")[2] in said
