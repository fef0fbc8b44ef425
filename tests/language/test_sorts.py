"""What is the like of what among goods, told from their names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.words.lexicon import AmbiguousWords, _sorts, load_lexicon
from flows.language.sorts import belonging_of, sort_of
from models.goods.exchange import CATEGORIES, GoodsRequest, Offer

LEXICON = load_lexicon()
NAMES = [
    (category, name)
    for category in CATEGORIES
    for name in ("缝纫机", "大米", "棉被", "书包", "玉米种子", "轮椅", "没听说过的东西", "羊毛毯", "铁锅", "电视柜")
]


@pytest.mark.parametrize(
    ("category", "one", "other"),
    [
        ("oil", "五升一桶的菜籽油", "炒菜的油"),
        ("fertiliser", "复合肥，五十斤一袋", "种苦荞的肥料"),
        ("seeds", "白菜和萝卜种子", "开春种的蔬菜种子"),
        ("clothes", "六斤重的新棉被", "过冬的厚被子"),
        ("clothes", "棉衣", "男式羽绒服"),
        ("clothes", "孩子冬天的棉衣", "儿童外套"),
        ("clothes", "解放鞋(42码)", "雨靴两双"),
        ("books", "小学课外书", "高中生看的课外书"),
        ("books", "铅笔三十支", "作业本"),
        ("food", "20斤，东北大米", "大米"),
        ("food", "土鸡蛋", "鸡蛋五十个"),
        ("household", "电饭煲", "三升的电饭锅"),
        ("household", "用了一年的轮椅", "轮椅【折叠】"),
        ("household", "长虹电视机", "电视"),
        ("household", "家里不用的筛子", "筛子"),
        ("other", "二手帐篷一个", "帐篷"),
        ("other", "  ＬＥＤ灯牌 ", "led灯牌"),
    ],
)
def test_these_are_the_like(category: str, one: str, other: str) -> None:
    assert sort_of(category, one, LEXICON) == sort_of(category, other, LEXICON)


@pytest.mark.parametrize(
    ("category", "one", "other"),
    [
        ("seeds", "脐橙苗", "玉米种子"),
        ("clothes", "棉被", "棉衣"),
        ("clothes", "孩子的棉衣", "棉衣"),
        ("clothes", "孩子的鞋", "孩子的棉衣"),
        ("books", "书包", "课外书"),
        ("food", "玉米", "大米"),
        ("food", "土豆", "黄豆"),
        ("food", "大白兔奶糖", "奶粉"),
        ("household", "电视柜", "电视"),
        ("household", "桌布", "桌子"),
        ("household", "轮椅", "椅子"),
        ("household", "床垫", "木床"),
        ("household", "旧的筛子", "旧的蒸笼"),
        ("tools", "三轮车", "三齿钉耙"),
    ],
)
def test_these_are_not(category: str, one: str, other: str) -> None:
    assert sort_of(category, one, LEXICON) != sort_of(category, other, LEXICON)


@given(st.sampled_from(NAMES), st.integers(1, 99), st.sampled_from(LEXICON.words["measure"]), st.booleans())
def test_how_much_and_how_old_plays_no_part(thing: tuple[str, str], count: int, measure: str, behind: bool) -> None:
    category, name = thing
    amount = f"{count}{measure}"
    state = LEXICON.words["sort_state"][count % len(LEXICON.words["sort_state"])]
    said = f"{state}{name}{amount}" if behind else f"{amount}{state}的{name}"
    assert sort_of(category, said, LEXICON) == sort_of(category, name, LEXICON)


@given(st.sampled_from(CATEGORIES), st.text(min_size=1, max_size=30))
def test_every_name_has_a_sort_that_the_table_can_keep(category: str, name: str) -> None:
    sort = sort_of(category, name, LEXICON)
    assert len(sort) <= min(table.sort.type.length or 0 for table in (Offer, GoodsRequest))


def test_the_list_is_of_the_categories_that_there_are() -> None:
    assert set(LEXICON.sorts) <= set(CATEGORIES)
    for category, named in LEXICON.sorts.items():
        assert sum(not words for words in named.values()) <= 1, category


@pytest.mark.parametrize("words", [["锅", "锅"], ["ＬＥＤ"]])
def test_a_list_that_cannot_be_meant_is_refused(words: list[str]) -> None:
    with pytest.raises(AmbiguousWords):
        _sorts({"household": {"pot": words}})


@pytest.mark.parametrize(
    ("name", "categories"),
    [
        ("大米", ("food",)),
        ("50斤大米", ("food",)),
        ("东北大米 两袋", ("food",)),
        ("五升装菜籽油", ("oil",)),
        ("酱油", ("food",)),
        ("机油", ("tools",)),
        ("玉米", ("food",)),
        ("玉米种子", ("seeds",)),
        ("孩子的旧书", ("books",)),
        ("书桌", ("household",)),
        ("笔记本电脑", ("household",)),
        ("厚棉被", ("clothes", "household")),
        ("缝纫机", ("tools", "household")),
        ("奶粉罐", ()),
        ("大米袋", ()),
        ("炒菜的油", ()),
        ("没听说过的东西", ()),
    ],
)
def test_a_thing_belongs_where_the_end_of_its_name_says(name: str, categories: tuple[str, ...]) -> None:
    assert belonging_of(name, LEXICON) == categories


@pytest.mark.parametrize("category", LEXICON.belonging)
def test_every_listed_word_belongs_to_its_category(category: str) -> None:
    assert category in CATEGORIES
    for word in LEXICON.belonging[category]:
        assert category in belonging_of(word, LEXICON), word


@pytest.mark.parametrize("category", LEXICON.sorts)
def test_what_is_a_sort_of_a_category_belongs_to_no_other_alone(category: str) -> None:
    for word in (word for words in LEXICON.sorts[category].values() for word in words):
        found = belonging_of(word, LEXICON)
        assert not found or category in found, word
