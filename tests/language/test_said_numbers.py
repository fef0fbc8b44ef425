"""A short sentence says one number, or none is read from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.language.numerals import LONGEST, hanzi, hanzi_money
from flows.language.said_numbers import without_tail
from flows.readers import Count, Money, Weight
from flows.readers.base import Accepted, Rejected
from models.core.measures import JIN
from tests.harness.words.reading import LEXICON, code_of, read, value_of

LEADS = LEXICON.words["leads_to_amount"]
TAILS = LEXICON.words["polite_tails"]
YUAN = 100


@pytest.mark.parametrize(
    ("text", "yuan"),
    [
        ("我捐五十块", 50),
        ("就捐20吧", 20),
        ("二十块钱吧", 20),
        ("医药费五万", 50_000),
        ("医药费一共要花三万五千块", 35_000),
        ("总共三万二", 32_000),
        ("给你一百", 100),
        ("好，捐五十", 50),
        ("想捐个一百块，够不够？", 100),
        ("要不就五十吧", 50),
        ("我捐五十塊，謝謝", 50),
        ("我捐五十。谢谢！", 50),
        ("俺就出100，行吗？", 100),
        ("5k", 5000),
        ("5K吧", 5000),
        ("俩万", 20_000),
        ("学费：3200", 3200),
    ],
)
def test_one_amount_in_a_short_sentence(text, yuan):
    assert value_of(Money(), text) == yuan * YUAN


@pytest.mark.parametrize(
    "text",
    [
        "我捐五十，他捐一百", "一共三万，先要一万", "学费3000，书费500", "给4号捐50", "4 50", "第3次捐50",
        "不要50", "还差五万块", "上次捐过五十块", "每月50块", "手机13800000000", "孩子12岁", "PVC管110", "五月捐五十",
        "我想一想", "等一下", "三轮车", "大家一块", "万一", "一万不够", "孩子八十", "在5楼", "我有3亩地", "不知道",
        "我家" * 40 + "五十块",
    ],
)  # fmt: skip
def test_where_two_numbers_stand_or_another_thing_is_counted_none_is_read(text):
    assert code_of(Money(), text) == "not_money"


@given(
    st.integers(1, 10**8), st.sampled_from(["", *LEADS]), st.sampled_from(["", *LEADS]), st.sampled_from(["", *TAILS])
)
def test_polite_words_change_no_amount(fen, first, second, tail):
    for amount in (hanzi_money(fen), f"{fen // 100}.{fen % 100:02}元"):
        reading = read(Money(), f"{first}{second}{amount}{tail}")
        # 一次 before 一元 may hide the number, never change it.
        assert reading in (Accepted(fen), Rejected("not_money"), Rejected("vague")), (first, second, amount, tail)


@given(st.integers(1, 10**6), st.sampled_from(["我捐", "就捐", "给你", "总共"]), st.sampled_from(["", "吧", "，谢谢"]))
def test_what_people_say_most_is_read(yuan, lead, tail):
    for amount in (f"{yuan}", f"{yuan}块", f"{hanzi(yuan)}块钱"):
        assert value_of(Money(), f"{lead}{amount}{tail}") == yuan * YUAN


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from(["，", "，他捐", "加", "或者", "，再捐", "里面"]))
def test_of_two_amounts_neither_is_read(one, other, between):
    for amounts in (f"{one}块{between}{other}块", f"我捐{hanzi(one)}元{between}{hanzi(other)}元"):
        assert isinstance(read(Money(), amounts), Rejected)


@pytest.mark.parametrize(
    ("text", "number"), [("我有20袋", 20), ("就要两袋吧", 2), ("一共三个", 3), ("我家五口人", 5), ("送10本", 10)]
)
def test_counts_in_a_short_sentence(text, number):
    assert value_of(Count(), text) == number


@pytest.mark.parametrize(
    ("text", "code"), [("孩子两个大人三个", "not_a_count"), ("大概要20袋", "vague"), ("小二十袋", "vague")]
)
def test_counts_that_are_asked_back(text, code):
    assert code_of(Count(), text) == code


def test_weights_in_a_short_sentence():
    assert value_of(Weight(bare=JIN), "一共100斤吧") == 100 * JIN
    assert value_of(Weight(bare=JIN), "就20吧") == 20 * JIN
    assert code_of(Weight(), "百八十斤") == "vague"
    assert code_of(Weight(bare=JIN), "两袋") == "not_weight"


def test_what_is_too_long_for_a_number_is_not_taken_apart() -> None:
    assert without_tail("五十" + "吧" * 10, LEXICON) == "五十"
    assert without_tail("吧" * (LONGEST + 1), LEXICON) == "吧" * (LONGEST + 1)
