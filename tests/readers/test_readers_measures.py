"""Weights and counts."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.language.numerals import hanzi
from flows.readers import Count, Weight
from flows.readers.base import Accepted, Offer, Rejected
from flows.readers.numbers.quantity import UnitChoice, UnitCount, UnitWeight
from tests.harness.words.reading import asking, code_of, fault, read, value_of


@pytest.mark.parametrize(
    ("text", "grams"),
    [
        ("500斤", 250_000),
        ("500 斤", 250_000),
        ("５００斤", 250_000),
        ("五百市斤", 250_000),
        ("一百二十斤", 60_000),
        ("3万斤", 15_000_000),
        ("半斤", 250),
        ("一斤半", 750),
        ("三斤二两", 1_600),
        ("三斤二", 1_600),
        ("二两", 100),
        ("两两", 100),
        ("两百五十公斤", 250_000),
        ("250千克", 250_000),
        ("250kg", 250_000),
        ("250 KG", 250_000),
        ("250㎏", 250_000),
        ("0.5公斤", 500),
        ("1.5吨", 1_500_000),
        ("一吨半", 1_500_000),
        ("半吨", 500_000),
        ("两吨三百公斤", 2_300_000),
        ("2t", 2_000_000),
        ("14万吨", 140_000_000_000),
        ("两百克", 200),
        ("一斤两百克", 700),
        ("一千五百克", 1_500),
        ("1500g", 1_500),
        ("0.1斤", 50),
    ],
)
def test_weights(text, grams):
    assert value_of(Weight(), text) == grams


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("500", "no_unit"),
        ("五百", "no_unit"),
        ("两", "no_unit"),
        ("几百斤", "vague"),
        ("三四百斤", "vague"),
        ("一两百斤", "vague"),
        ("百把斤", "vague"),
        ("一百多斤", "vague"),
        ("500斤左右", "vague"),
        ("三四百", "vague"),
        ("大概500", "vague"),
        ("0斤", "not_positive"),
        ("-5斤", "not_positive"),
        ("0.5克", "too_precise"),
        ("0.0001斤", "too_precise"),
        ("100万零1吨", "above_max"),
        ("斤", "not_weight"),
        ("很重", "not_weight"),
        ("", "not_weight"),
        ("5毫克", "not_weight"),
        ("5元/斤", "not_weight"),
        ("三两百克", "not_weight"),
        ("二两三斤", "not_weight"),
        ("1.5斤3两", "not_weight"),
        ("一公斤二", "not_weight"),
    ],
)
def test_weights_refused(text, code):
    assert code_of(Weight(), text) == code


def test_weight_bounds():
    reader = Weight(min=500, max=5000)
    assert read(reader, "4两") == Rejected("below_min", {"given": 200, "min": 500, "max": 5000})
    assert code_of(reader, "11斤") == "above_max"
    assert fault(reader, 499) == "below_min"
    assert fault(reader, None) == "not_weight"
    assert fault(reader, -1) == "not_positive"


@given(st.integers(1, 10_000_000))
def test_jin_are_half_kilograms(number):
    for text in (f"{number}斤", f"{hanzi(number)}斤", f"{Decimal(number) / 2}公斤", f"{number * 500}克"):
        assert value_of(Weight(), text) == number * 500


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3", 3), ("３", 3), ("三", 3), ("3个", 3), ("三袋", 3), ("两箱", 2), ("12 本", 12), ("十二瓶", 12),
        ("一百五", 150), ("1,200件", 1200), ("一千二百只", 1200), ("1万", 10_000), ("2.0袋", 2), ("廿头", 20),
        ("100块", 100),
    ],
)  # fmt: skip
def test_counts(text, number):
    assert value_of(Count(), text) == number


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("几个", "vague"), ("十几袋", "vague"), ("三四个", "vague"), ("十来个", "vague"), ("大约30件", "vague"),
        ("0", "not_positive"), ("-2袋", "not_positive"), ("1.5袋", "not_whole"), ("两点五箱", "not_whole"),
        ("1000001", "above_max"), ("很多", "not_a_count"), ("个", "not_a_count"), ("", "not_a_count"),
        ("3个袋", "not_a_count"), ("半袋", "not_a_count"), ("三斤", "not_a_count"),
    ],
)  # fmt: skip
def test_counts_refused(text, code):
    assert code_of(Count(), text) == code


def test_count_bounds():
    assert read(Count(min=2, max=10), "1") == Rejected("below_min", {"given": 1, "min": 2, "max": 10})
    assert fault(Count(max=10), 11) == "above_max"
    assert fault(Count(), 1.5) == "not_a_count"
    assert fault(Count(), 0) == "not_positive"


@given(st.integers(1, 1_000_000), st.sampled_from(["", "个", "袋", "箱"]))
def test_counts_in_every_writing(number, measure):
    for text in (f"{number}", f"{number:,}", hanzi(number)):
        assert value_of(Count(), text + measure) == number


@pytest.mark.parametrize(("text", "number"), [("2件", 2), ("两个", 2), ("20", 20), ("就要三件吧", 3)])
def test_a_count_in_the_chosen_unit_is_taken(text, number):
    assert value_of(UnitCount(), text, unit="piece") == number


def test_a_count_in_another_unit_is_asked_about():
    assert read(UnitCount(), "2袋", unit="piece") == Offer((("2袋", 2),))
    assert read(UnitCount(), "就要两袋吧", unit="piece") == Offer((("就要两袋吧", 2),))
    assert read(UnitCount(), "3件", unit="bag") == Offer((("3件", 3),))
    assert read(UnitCount(), "2包", unit="bag") == Accepted(2)
    assert UnitCount().facts(asking(unit="bag"))["unit"] == "袋"


def test_a_weight_is_no_count_and_a_count_no_weight():
    assert read(UnitCount(), "100斤", unit="piece") == Rejected("other_unit", {"given": "100斤"})
    assert read(UnitWeight(bare=500), "2袋", unit="jin") == Rejected("other_unit", {"given": "2袋"})
    assert value_of(UnitWeight(bare=500), "100斤", unit="jin") == 50_000
    assert code_of(UnitCount(), "大概两袋", unit="piece") == "vague"
    assert code_of(UnitWeight(bare=500), "不知道", unit="jin") == "not_weight"


@pytest.mark.parametrize(
    ("text", "unit"), [("两袋", "bag"), ("100斤", "jin"), ("20公斤", "jin"), ("50瓶吧", "bottle"), ("2", "bag")]
)
def test_a_quantity_names_its_unit(text, unit):
    assert value_of(UnitChoice(), text) == unit


@given(st.integers(1, 10**6), st.sampled_from(["袋", "包", "瓶", "箱", "本", "套"]))
def test_a_number_in_another_unit_is_never_taken_silently(number, unit):
    for text in (f"{number}{unit}", f"{hanzi(number)}{unit}"):
        assert read(UnitCount(), text, unit="piece") == Offer(((text, number),))
