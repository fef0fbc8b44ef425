"""Which names of things are refused, and which only look like it."""

from datetime import UTC, datetime

import pytest

from bot.lexicon import load_lexicon
from flows.readers.base import Asking
from flows.screening import accepted, new_enough
from flows.world import World

WORLD = World(datetime(2026, 11, 24, tzinfo=UTC), load_lexicon(), lambda _: [])


@pytest.mark.parametrize(
    "item",
    [
        "药",
        "感冒药",
        "没吃完的降压药",
        "白 酒",
        "两瓶白酒",
        "钱",
        "一点现金",
        "旧内衣",
        "穿过的内裤",
        "电子烟",
        "猎枪",
        "农药",
    ],
)
def test_what_could_hurt_is_refused(item: str) -> None:
    rejected = accepted(item, Asking(WORLD))
    assert rejected is not None
    assert rejected.code == "not_accepted"
    assert rejected.values["word"] in item.replace(" ", "")


@pytest.mark.parametrize("item", ["山药", "菜刀", "钱包", "烟笋", "酒糟鱼", "水枪玩具", "棉衣", "内衣", "儿童秋裤"])
def test_what_only_sounds_like_it_is_not(item: str) -> None:
    assert accepted(item, Asking(WORLD)) is None


@pytest.mark.parametrize(
    ("category", "item", "condition", "fits"),
    [
        ("food", "大米", "new", True),
        ("food", "大米", "good", False),
        ("seeds", "玉米种子", "worn", False),
        ("clothes", "棉衣", "worn", True),
        ("clothes", "女式内衣", "good", False),
        ("clothes", "女式内衣", "new", True),
        ("household", "毛巾", "good", False),
        ("household", "电饭锅", "good", True),
    ],
)
def test_what_is_eaten_sown_or_worn_next_to_the_skin_must_be_new(
    category: str, item: str, condition: str, fits: bool
) -> None:
    asking = Asking(WORLD, {"category": category, "item": item})
    assert (new_enough(condition, asking) is None) is fits
