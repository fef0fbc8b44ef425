"""Which names of things are refused, and which only look like it."""

from datetime import UTC, datetime

import pytest

from bot.words.lexicon import load_lexicon
from flows.engine.world import World
from flows.readers.base import Accepted, Asking
from flows.readers.words.goods_name import GoodsName, accepted, is_edible, is_food, new_enough
from tests.harness.words.reading import code_of

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
        "布洛芬",
        "阿莫西林",
        "氨苄西林 24粒",
        "阿莫西林胶囊",
        "板蓝根",
        "感冒灵",
        "六味地黄丸",
        "六味地黄丸2盒",
        "健胃消食片（没拆封）",
        "感冒清热颗粒",
        "小儿止咳糖浆",
        "双黄连口服液三盒",
        "红霉素软膏",
        "胃药",
        "止疼药两盒",
        "安眠药和纱布",
        "兽药",
        "老鼠药",
        "毒鼠强",
        "火药",
        "双黄连",
        "银翘解毒片",
        "去痛片",
        "硝苯地平缓释片",
        "逍遥丸",
        "川贝枇杷糖浆",
        "鱼肝油胶囊",
        "白酒，图书",
        "农药和喷雾器",
        "罂粟种子",
    ],
)
def test_what_could_hurt_is_refused(item: str) -> None:
    rejected = accepted(item, Asking(WORLD))
    assert rejected is not None
    assert rejected.code == "not_accepted"
    assert rejected.values["word"] in item.replace(" ", "")


@pytest.mark.parametrize(
    "item",
    [
        "山药", "菜刀", "钱包", "烟笋", "酒糟鱼", "水枪玩具", "棉衣", "内衣", "儿童秋裤", "山药片",
        "鱼丸", "牛肉丸子", "红薯片", "燕麦片", "山楂片一袋", "瓦片", "尿片", "名片盒", "有机肥颗粒", "西林砂糖橘",
        "砂轮切割片", "明信片", "反光片", "挡泥片", "樟脑丸", "面包片", "火腿片", "海苔片", "锅巴片", "桂花糖浆",
        "玉米糖浆", "咖啡胶囊", "洗衣胶囊", "啤酒杯", "象牙白毛衣", "儿童野生动物绘本", "农药喷雾器", "草药",
        "白芍药花", "怀山药", "一次性餐盒50片装", "纸尿裤30片", "血压计", "枫糖浆",
    ],
)  # fmt: skip
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


@pytest.mark.parametrize(
    "item",
    [
        "大米",
        "大米20斤",
        "苹果",
        "八宝粥",
        "奶粉三大罐",
        "菜籽油一桶",
        "饼干（两箱）",
        "方便面2箱",
        "腊肉",
        "玉米粒",
        "散装 花生",
        "一袋米",
        "米10斤",
        "两大袋米",
        "一桶油",
        "油一桶",
        "米和面",
        "苦荞茶",
        "水果刀和大米",
    ],
)
def test_food_is_known_by_its_name(item: str) -> None:
    assert is_food(item, WORLD.lexicon)
    answers = {"category": "other", "item": {"name": item, "edible": True}}
    assert is_edible(answers)
    assert new_enough("good", Asking(WORLD, answers)) is not None


@pytest.mark.parametrize(
    "item",
    [
        "水果刀",
        "茶叶罐",
        "米桶",
        "豆浆机",
        "苹果手机",
        "小米手环",
        "大米色毛衣",
        "玉米脱粒机",
        "棉被",
        "书包",
        "鸡蛋托架",
        "橘子树苗",
        "面包服",
        "西红柿种植手册",
        "苹果充电线",
        "小米风扇",
        "牛奶绒四件套",
        "粮食柜",
        "核桃木桌子",
        "多肉",
    ],
)
def test_what_only_has_food_in_its_name_is_none(item: str) -> None:
    assert not is_food(item, WORLD.lexicon)


def test_goods_are_kept_with_whether_they_are_food() -> None:
    name = GoodsName(max=30)
    assert name.read_words("大米。", Asking(WORLD)) == Accepted(
        {"name": "大米", "edible": True, "surely": True, "belongs": ["food"]}
    )
    assert name.shown({"name": "棉衣", "edible": False}, WORLD) == "棉衣"
    assert accepted({"name": "布洛芬", "edible": False}, Asking(WORLD)) is not None
    assert name.check("大米", Asking(WORLD)) is not None


@pytest.mark.parametrize("category", ["clothes", "books", "tools", "household"])
def test_among_clothes_books_tools_and_household_things_only_what_ends_as_food_is_food(category: str) -> None:
    for item, edible in (("核桃木梳", False), ("苹果种植日历", False), ("东北大米", True), ("一桶油", True)):
        read = GoodsName(max=30).read_words(item, Asking(WORLD, {"category": category}))
        assert isinstance(read, Accepted)
        assert is_edible({"category": category, "item": read.value}) is edible, item
        assert is_edible({"category": "other", "item": read.value})


def test_a_text_that_is_too_long_for_a_name_is_not_judged_as_one() -> None:
    """Judging it would take as long as the square of its length."""
    assert code_of(GoodsName(max=20), "千" * 40_000) == "too_long"
