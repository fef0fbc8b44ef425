"""A person's name is read out of a sentence, and is never cut or recorded wrongly without a question."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from flows.readers import PersonName
from flows.readers.base import Accepted, Offer
from tests.harness.words.reading import LEXICON, code_of, read, value_of

WORDS = LEXICON.words
SURNAMES = st.sampled_from(WORDS["surnames"])
# Characters that stand in names; none of them is part of a word that introduces one or follows it.
GIVEN = st.text(alphabet="桂兰秀英建国志强天光晓敏淑芬永福来喜庆生翠花德财", min_size=1, max_size=2)
NAMES = st.builds(lambda surname, given: surname + given, SURNAMES, GIVEN)
MINORITY = st.builds(
    "·".join, st.lists(st.text(alphabet="阿依古丽买提江合曼叫是我不", min_size=2, max_size=5), min_size=2, max_size=3)
)


def offered_or_accepted(reading: Accepted | Offer) -> list[str]:
    return [reading.value] if isinstance(reading, Accepted) else [value for _, value in reading.options]


@pytest.mark.parametrize(
    "said",
    [
        "王桂兰", "我叫王桂兰", "我叫王桂兰。", "俺叫王桂兰", "我的名字是王桂兰", "我的名字叫做王桂兰",
        "姓名：王桂兰", "姓名 王桂兰", "我的名字：王桂兰", "名字叫王桂兰",
        "我是王桂兰", "本人王桂兰", "她叫王桂兰", "王 桂 兰", "王  桂兰", "王桂兰（女）", "王桂兰(女，65岁)",
        "王桂兰 女", "我叫王桂兰啊", "“王桂兰”",
        "我叫 王 桂 兰", "你好，我叫王桂兰",
    ],
)  # fmt: skip
def test_a_name_however_it_is_introduced(said):
    assert value_of(PersonName(), said) == "王桂兰"


@pytest.mark.parametrize(
    "name",
    [
        "叫天明",
        "是光明",
        "那英",
        "欧阳修",
        "买买提",
        "陳桂蘭",
        "Anna Li",
        "阿依古丽·买买提",
        "和平",
        "于是",
        "贺先",
        "钱多多",
    ],
)
def test_a_name_that_stands_alone_stays_as_it_is(name):
    assert read(PersonName(), name) in (Accepted(name), Offer(((name, name),)))


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("叫王桂兰", ["王桂兰", "叫王桂兰"]),
        ("王桂兰女士", ["王桂兰", "王桂兰女士"]),
        ("我叫天明", ["天明"]),
        ("我姓王，叫桂兰", ["王桂兰"]),
        ("王桂兰，女，65岁", ["王桂兰"]),
        ("我叫王桂兰，大家叫我桂兰嫂", ["王桂兰"]),
        ("阿依古丽 买买提", ["阿依古丽·买买提", "阿依古丽买买提"]),
        ("不想说", ["不想说"]),
        ("王桂兰本人", ["王桂兰", "王桂兰本人"]),
        ("王大妈", ["王大妈"]),
        ("老王", ["老王"]),
        ("王桂兰住村东头", ["王桂兰住村东头"]),
        ("我是村里的王大妈", ["村里的王大妈"]),
        ("阿不都热依木", ["阿不都热依木"]),
    ],
)
def test_where_it_is_not_certain_the_name_is_asked_back(said, names):
    assert read(PersonName(), said) == Offer(tuple((name, name) for name in names))


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("你问这个干嘛", "no_words"), ("什么名字", "no_words"), ("我叫", "too_short"), ("叫", "too_short"),
        ("王桂兰45岁", "has_digits"),
        ("我叫小3", "has_digits"), ("13800", "no_words"), ("我叫确认", "no_words"),
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused(said, code):
    assert code_of(PersonName(), said) == code


@pytest.mark.parametrize("dot", ["•", "‧", "・", ".", " · "])
def test_the_dot_of_a_name_is_that_of_the_identity_card(dot):
    assert value_of(PersonName(), f"阿依古丽{dot}买买提") == "阿依古丽·买买提"


@given(NAMES, st.sampled_from(WORDS["leads_to_name"]), st.sampled_from(["", "：", " ", "，"]))
def test_an_introduction_adds_nothing_to_a_name_and_takes_nothing_away(name, lead, between):
    reading = read(PersonName(), f"{lead}{between}{name}")
    assert reading in (Accepted(name), Offer(((name, name),)))


@given(NAMES | MINORITY)
def test_no_name_is_cut_without_a_question(name):
    assume(not name.startswith(tuple(WORDS["leads_to_name"])))  # "I am X" may be X's words, and is no name
    reading = read(PersonName(), name)
    assert name in offered_or_accepted(reading)
    assert reading == Accepted(name) or isinstance(reading, Offer)


@given(NAMES)
def test_spaces_between_the_characters_are_none_of_the_name(name):
    assert read(PersonName(), " ".join(name)) in (Accepted(name), Offer(((name, name),)))


@given(MINORITY)
def test_a_name_with_a_dot_keeps_it(name):
    assert name in offered_or_accepted(read(PersonName(), f"我叫{name}"))
