"""What a template's field may hold, by its type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.simulator.fields import SHAPES, fits

RIGHT = [
    ("thing1", "苗寨修路 <b>&2"),
    ("thing12", "字" * 20),
    ("number2", "1" * 32),
    ("number2", "-12.50"),
    ("letter3", "a" * 32),
    ("symbol4", "★☆！？#"),
    ("character_string5", "A-1#" * 8),
    ("phone_number6", "+86-0766-66888866"),
    ("car_number7", "粤A8Z888挂"),
    ("car_number7", "京A12345"),
    ("name8", "阿卜杜拉买买提江"),
    ("name8", "字" * 10),
    ("name8", "Mary-Ann Smith"),
    ("name8", "a" * 20),
    ("phrase9", "已发货了吗"),
    ("amount10", "¥1234567890"),
    ("amount10", "100.5元"),
    ("amount10", "3"),
    ("time11", "15:01"),
    ("time11", "2026年11月24日 15:01"),
    ("time11", "2026-11-24 15:01:30"),
    ("time11", "15:01 ~ 16:30"),
    ("date12", "2026年11月24日"),
    ("date12", "2026/11/24 9:05"),
    ("date12", "2026年11月24日~2026年12月1日"),
    ("const13", "进行中"),
    ("keyword1", "字" * 100),
]
WRONG = [
    ("thing1", "字" * 21),
    ("thing1", "第一行\n第二行"),
    ("number2", "1" * 33),
    ("number2", "三"),
    ("number2", "1,000"),
    ("letter3", "a" * 33),
    ("letter3", "a1"),
    ("letter3", "字"),
    ("symbol4", "！" * 6),
    ("symbol4", "a"),
    ("character_string5", "a" * 33),
    ("character_string5", "编号1"),
    ("phone_number6", "+86-0766-668888661"),
    ("phone_number6", "电话"),
    ("car_number7", "粤A8Z8888挂"),
    ("car_number7", "A粤8Z888"),
    ("name8", "字" * 11),
    ("name8", "a" * 21),
    ("name8", "张3"),
    ("phrase9", "已发货了吗？"),
    ("phrase9", "一二三四五六"),
    ("phrase9", "ok"),
    ("amount10", "¥12345678901"),
    ("amount10", "¥$1"),
    ("amount10", "一百元"),
    ("amount10", "1.234"),
    ("time11", "25:01"),
    ("time11", "2026年13月24日 15:01"),
    ("time11", "下午三点"),
    ("time11", "2026年11月24日"),
    ("date12", "2026年2月30日"),
    ("date12", "明天"),
    ("const13", "字" * 21),
]


@pytest.mark.parametrize(("field", "value"), RIGHT)
def test_what_a_field_may_hold(field: str, value: str) -> None:
    assert fits(field, value)


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_what_a_field_may_not_hold(field: str, value: str) -> None:
    assert not fits(field, value)


def test_every_type_is_tried_both_ways() -> None:
    tried = [{field.rstrip("0123456789") for field, _ in rows} for rows in (RIGHT, WRONG)]
    assert tried[1] == set(SHAPES)
    assert tried[0] >= set(SHAPES)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_a_thing_is_one_to_twenty_characters(value: str) -> None:
    assert fits("thing1", value) == (1 <= len(value) <= 20)


@given(st.sampled_from(sorted(SHAPES)), st.text(max_size=60))
def test_no_value_breaks_the_check(kind: str, value: str) -> None:
    assert fits(f"{kind}1", value) in {True, False}
