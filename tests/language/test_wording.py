"""Traditional characters are read as simplified ones, and nothing else of a text changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.language.wording import plain, simplified


@pytest.mark.parametrize(
    ("traditional", "expected"),
    [
        ("怎麼捐款？", "怎么捐款？"),
        ("錢去哪裡了", "钱去哪里了"),
        ("乾淨的衣服", "干净的衣服"),
        ("我叫王桂蘭", "我叫王桂兰"),
    ],
)
def test_traditional_characters_become_simplified(traditional, expected):
    assert simplified(traditional) == expected


def test_matching_alone_keeps_them():
    assert plain("王桂蘭") == "王桂蘭"


@given(st.text(alphabet="我想捐五块钱abc123，。！？ \n", max_size=60))
def test_a_simplified_text_stays_as_it_is(text):
    assert simplified(text) == text
