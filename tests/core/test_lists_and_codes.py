"""Codes that people read out, lots that nobody foresees, and lists that are cut to pages."""

import re

import pytest

from config.settings import SAMPLE_DATA_KEYS
from models.core.codes import ALPHABET, new_code, new_digits, new_order_number
from models.core.encryption import Keyring, use_keyring
from models.core.lottery import draw
from models.core.paging import page_of


@pytest.fixture(autouse=True)
def _keys():
    use_keyring(Keyring.parse(SAMPLE_DATA_KEYS))


def test_a_code_has_its_length_and_no_sign_that_is_read_as_another() -> None:
    assert not set("01OIL") & set(ALPHABET)
    codes = {new_code(10) for _ in range(200)}
    assert len(codes) == 200
    assert all(len(code) == 10 and set(code) <= set(ALPHABET) for code in codes)


def test_digits_keep_the_zeros_in_front() -> None:
    drawn = [new_digits(2) for _ in range(500)]
    assert all(re.fullmatch("[0-9]{2}", digits) for digits in drawn)
    assert any(digits.startswith("0") for digits in drawn)


def test_an_order_number_is_one_that_the_platform_takes() -> None:
    numbers = {new_order_number() for _ in range(200)}
    assert len(numbers) == 200
    assert all(re.fullmatch("[0-9A-Za-z_-]{6,32}", number) for number in numbers)


def test_a_lot_stays_and_every_part_is_drawn_as_often() -> None:
    lots = [draw(str(number), "sample", 5) for number in range(2_000)]
    assert lots == [draw(str(number), "sample", 5) for number in range(2_000)]
    assert all(300 < lots.count(part) < 500 for part in range(5))
    assert lots != [draw(str(number), "another", 5) for number in range(2_000)]


@pytest.mark.parametrize(("found", "items", "after"), [([], [], None), ([9, 8], [9, 8], None), ([9, 8, 7], [9, 8], 8)])
def test_a_page_says_what_the_next_begins_after(found: list[int], items: list[int], after: int | None) -> None:
    page = page_of(found, 2, lambda item: item)
    assert (page.items, page.after) == (items, after)
