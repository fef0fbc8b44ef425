"""Sealed values: each seal is another, opens for its own purpose alone, and only whole."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.core.encryption import CannotOpen, Keyring

KEYS = [base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2, 3)]
RING = Keyring.parse(KEYS[0])


@given(st.text(max_size=200))
def test_what_is_sealed_opens_again_and_shows_nothing(plain: str) -> None:
    sealed = RING.seal(plain, "person name")
    assert RING.open(sealed, "person name") == plain
    assert len(plain) < 4 or plain.encode() not in sealed


def test_no_two_seals_are_alike() -> None:
    assert len({RING.seal("王秀兰", "person name") for _ in range(100)}) == 100


def test_a_value_opens_for_its_own_purpose_alone() -> None:
    with pytest.raises(CannotOpen):
        RING.open(RING.seal("王秀兰", "person name"), "person phone")


@given(st.integers(0, 60), st.integers(1, 255))
def test_a_value_that_was_touched_does_not_open(place: int, change: int) -> None:
    sealed = bytearray(RING.seal("13800000000", "person phone"))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(CannotOpen):
        RING.open(bytes(sealed), "person phone")


def test_the_first_key_seals_and_all_of_them_open() -> None:
    both = Keyring.parse(f"{KEYS[1]},{KEYS[0]}")
    old = RING.seal("王秀兰", "person name")
    assert both.open(old, "person name") == "王秀兰"
    assert (both.is_newest(old), both.is_newest(both.seal("x", "person name"))) == (False, True)
    with pytest.raises(CannotOpen):
        Keyring.parse(KEYS[2]).open(old, "person name")


def test_a_number_is_found_by_its_hash_under_any_of_the_keys() -> None:
    both = Keyring.parse(f"{KEYS[1]},{KEYS[0]}")
    assert RING.lookup_hashes("431124190101010011", "id_number")[0] in both.lookup_hashes(
        "431124190101010011", "id_number"
    )
    assert RING.lookup_hashes("431124190101010011", "id_number") != RING.lookup_hashes("431124190101010011", "phone")
