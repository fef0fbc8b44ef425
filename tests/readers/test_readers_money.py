"""Money in every writing, and why each of the others is refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.language.numerals import hanzi_money
from flows.readers import Money
from flows.readers.base import Rejected
from tests.harness.words.formal_numerals import formal
from tests.harness.words.reading import asking, code_of, fault, read, value_of

YUAN = 100
TEN_YI_YUAN = 1_000_000_000 * YUAN


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("300000", 300_000_00),
        ("300,000", 300_000_00),
        ("300,000元", 300_000_00),
        ("300 000 元", 300_000_00),
        ("￥30万", 300_000_00),
        ("¥ 30 万", 300_000_00),
        ("30万", 300_000_00),
        ("30w", 300_000_00),
        ("30W元", 300_000_00),
        ("３０万元", 300_000_00),
        ("三十万", 300_000_00),
        ("三十万元", 300_000_00),
        ("三十万块钱", 300_000_00),
        ("叁拾万元整", 300_000_00),
        ("人民币叁拾万元整", 300_000_00),
        ("人民币：30万元", 300_000_00),
        ("30万元人民币", 300_000_00),
        ("RMB 300000", 300_000_00),
        ("30.5万", 305_000_00),
        ("三十点五万元", 305_000_00),
        ("两万五", 25_000_00),
        ("一百五", 150_00),
        ("３０", 30_00),
        ("¥1", 1_00),
        ("1块5", 1_50),
        ("1块5毛", 1_50),
        ("一块五", 1_50),
        ("一块半", 1_50),
        ("3块25", 3_25),
        ("3块05", 3_05),
        ("三块零五分", 3_05),
        ("三元零五分", 3_05),
        ("3元5角2分", 3_52),
        ("叁元伍角贰分", 3_52),
        ("二毛五", 25),
        ("一毛", 10),
        ("五分", 5),
        ("半块", 50),
        ("五百块钱", 500_00),
        ("1.5元", 1_50),
        ("1。5元", 1_50),
        ("1点5元", 1_50),
        ("0.5元", 50),
        ("0.01", 1),
        ("100元整", 100_00),
        ("人民币100元", 100_00),
        ("100圆", 100_00),
        ("壹佰圓正", 100_00),
        ("一千零五十块", 1_050_00),
        ("一亿元", 100_000_000_00),
        ("100元。", 100_00),
        ("\u200b100\u200b元", 100_00),
    ],
)
def test_every_form_is_read(text, fen):
    assert value_of(Money(), text) == fen


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("百八十", "vague"),
        ("百八十块钱", "vague"),
        ("百十块", "vague"),
        ("百把块", "vague"),
        ("三五十", "vague"),
        ("千儿八百", "vague"),
        ("小两万", "vague"),
        ("上百块", "vague"),
        ("大概五万", "vague"),
        ("大概要五万吧", "vague"),
        ("医药费大概要五万", "vague"),
        ("三十多万", "vague"),
        ("几万", "vague"),
        ("几百块钱", "vague"),
        ("三四万元", "vague"),
        ("十来万", "vague"),
        ("一百来块", "vague"),
        ("三块多", "vague"),
        ("30万左右", "vague"),
        ("大概一百块钱", "vague"),
        ("约300元", "vague"),
        ("3到5万", "vague"),
        ("3-5万元", "vague"),
        ("一千元以上", "vague"),
        ("-1", "not_positive"),
        ("－1元", "not_positive"),
        ("￥-5", "not_positive"),
        ("-￥5", "not_positive"),
        ("负一百元", "not_positive"),
        ("0", "not_positive"),
        ("0.00元", "not_positive"),
        ("零元", "not_positive"),
        ("0.001", "too_precise"),
        ("1.234元", "too_precise"),
        ("1块5毛5分5", "not_money"),
        ("10.01亿", "absurd"),
        ("999999999999999999", "absurd"),
        ("一万亿元", "absurd"),
        ("很多钱", "not_money"),
        ("钱", "not_money"),
        ("元", "not_money"),
        ("¥", "not_money"),
        ("", "not_money"),
        ("5%", "not_money"),
        ("三分之一", "not_money"),
        ("1.5元5角", "not_money"),
        ("5角3元", "not_money"),
        ("3元15角", "not_money"),
        ("3元-5角", "not_money"),
        ("1块555", "not_money"),
        ("100美元", "not_money"),
        ("1,00元", "not_money"),
        ("钱" * 2000, "not_money"),
    ],
)
def test_every_refusal_says_why(text, code):
    assert code_of(Money(), text) == code


def test_bounds_are_told_with_the_refusal():
    reader = Money(min=300_000_00, max=500_000_00)
    bounds = {"min": 300_000_00, "max": 500_000_00}
    assert read(reader, "29万") == Rejected("below_min", {"given": 290_000_00, **bounds})
    assert read(reader, "51万") == Rejected("above_max", {"given": 510_000_00, **bounds})
    assert reader.facts(asking()) == bounds
    assert value_of(reader, "30万") == 300_000_00
    assert value_of(reader, "50万") == 500_000_00


def test_only_bounds_that_exist_have_a_refusal():
    assert not {"below_min", "above_max"} & set(Money().codes)
    assert {"below_min", "above_max"} <= set(Money(min=100, max=1000).codes)


def test_a_stored_amount_meets_todays_rules():
    assert fault(Money(min=100), 99) == "below_min"
    assert fault(Money(), TEN_YI_YUAN + 1) == "absurd"
    assert fault(Money(), TEN_YI_YUAN) is None
    assert fault(Money(), "100") == "not_money"
    assert fault(Money(), True) == "not_money"


@given(st.integers(1, TEN_YI_YUAN) | st.integers(1, 100_000))
def test_every_writing_of_an_amount_reads_back(fen):
    yuan = Decimal(fen) / YUAN
    wan, yi = yuan / 10_000, yuan / 10**8
    for text in (
        f"{yuan}",
        f"{yuan:.2f}",
        f"{yuan:,.2f}元",
        f"￥{yuan:,.2f}",
        f"{wan:f}万元",
        f"{yi:f}亿",
        hanzi_money(fen),
        formal(hanzi_money(fen)) + "整",
        f"人民币{hanzi_money(fen)}",
        f"{fen // 100}元{fen // 10 % 10}角{fen % 10}分",
    ):
        assert value_of(Money(), text) == fen, text


@given(st.integers(1, 10_000_000), st.integers(1, 9))
def test_a_figure_after_kuai_is_mao(yuan, mao):
    assert value_of(Money(), f"{yuan}块{mao}") == yuan * 100 + mao * 10


@given(st.decimals(min_value="0.001", max_value=1000, places=3).filter(lambda yuan: yuan * 100 % 1))
def test_more_than_two_decimals_are_never_rounded(yuan):
    assert code_of(Money(), f"{yuan:f}元") == "too_precise"
