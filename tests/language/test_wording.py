"""Traditional characters are read as simplified ones, and nothing else of a text changes; what is invisible goes."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.language.wording import clean, plain, simplified


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


@given(st.text(max_size=60))
def test_what_is_kept_shows_and_nothing_that_shows_is_lost(text):
    kept = clean(text)
    invisible = [ch for ch in kept if ch != "\n" and unicodedata.category(ch).startswith("C")]
    assert invisible == []
    shown = [ch for ch in text if not unicodedata.category(ch).startswith("C") and not ch.isspace()]
    assert [ch for ch in kept if not ch.isspace()] == shown
    assert kept == kept.strip() == clean(kept)
