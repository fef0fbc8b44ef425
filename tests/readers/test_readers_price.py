"""Prices said with their unit, where 斤 was asked for unless said otherwise."""

import pytest

from flows.readers import Price
from flows.readers.base import Rejected
from tests.harness.words.reading import asking, code_of, read, value_of

PRICE = Price(max=10_000_000)


@pytest.mark.parametrize(
    "text",
    [
        "3块5", "3.5", "三块五一斤", "每斤3.5", "3.5元/斤", "3.5/斤", "3.5元每斤", "一斤三块五", "1斤3.5元",
        "3块5毛钱一斤。", "一斤：3块5", "一斤卖3块5", "３.５元／斤", "3.5元1斤", "三块五一市斤", "3.5一斤",
    ],
)  # fmt: skip
def test_the_unit_may_be_said_with_the_price(text):
    assert value_of(PRICE, text, unit="jin") == 350


@pytest.mark.parametrize(
    ("text", "unit", "fen"),
    [
        ("六十一个", "piece", None),
        ("60一个", "piece", 6000),
        ("六十块一只", "piece", 6000),
        ("每件六十元", "piece", 6000),
        ("一箱88", "box", 8800),
        ("八十八元一盒", "box", 8800),
        ("25元/双", "set", 2500),
        ("五毛一个", "piece", 50),
    ],
)
def test_each_unit_by_its_words(text, unit, fen):
    if fen is None:
        assert code_of(PRICE, text, unit=unit) == "not_money"
    else:
        assert value_of(PRICE, text, unit=unit) == fen


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("三块五一公斤", "公斤"),
        ("7元/kg", "kg"),
        ("每箱60", "箱"),
        ("60块一箱", "箱"),
        ("十块三斤", "三斤"),
        ("10元3斤", "3斤"),
        ("3斤10元", "3斤"),
        ("10/3斤", "3斤"),
        ("半斤2块", "半斤"),
        ("三块五一两", "两"),
    ],
)
def test_another_unit_is_refused(text, given):
    assert read(PRICE, text, unit="jin") == Rejected("other_unit", {"given": given})


@pytest.mark.parametrize("text", ["三十一斤", "五一斤", "一斤", "便宜卖", "3.51斤"])
def test_what_could_be_a_weight_is_no_price(text):
    assert code_of(PRICE, text, unit="jin") == "not_money"


def test_the_rest_is_read_as_money():
    assert code_of(PRICE, "大概三块一斤", unit="jin") == "vague"
    assert code_of(PRICE, "0元一斤", unit="jin") == "not_positive"
    assert code_of(PRICE, "0.001一斤", unit="jin") == "too_precise"
    assert code_of(PRICE, "20万元一斤", unit="jin") == "above_max"
    assert PRICE.facts(asking(unit="jin"))["unit"] == "斤"
