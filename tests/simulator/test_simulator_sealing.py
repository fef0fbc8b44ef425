"""The simulator's signatures and safe mode against the official vectors, and against wechatpy, both ways."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException

from bot.simulator.sealing import Sealer, Unsealable, signature
from tests.simulator.sealing_samples import AES_KEY, APP_ID, OFFICIAL


def sealer(app_id: str = APP_ID) -> Sealer:
    return Sealer(app_id, AES_KEY)


def test_official_signature():
    assert signature("AAAAA", "1714036504", "1514711492") == "f464b24fc39322e44b38aa78f5edd27bd1441696"


def test_official_safe_mode_message():
    assert signature("spamtest", "1409735669", "1320562132", OFFICIAL) == "5d197aaffba7e9b25a30732f161a50dee96bd5fa"
    opened = sealer().open(OFFICIAL).decode()
    assert "<FromUserName><![CDATA[oyORnuP8q7ou2gfYjqLzSIWZf0rs]]></FromUserName>" in opened
    assert "<Content><![CDATA[abcdteT]]></Content>" in opened


@given(st.text())
def test_what_is_sealed_opens_again(message):
    assert sealer().open(sealer().seal(message.encode())) == message.encode()


@given(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs", "Cc"])))
def test_wechatpy_opens_what_we_seal_and_we_open_what_it_seals(message):
    theirs = WeChatCrypto("token", AES_KEY, APP_ID)
    sealed = sealer().seal(message.encode())
    signed = signature("token", "1", "2", sealed)
    envelope = f"<xml><ToUserName>a</ToUserName><Encrypt>{sealed}</Encrypt></xml>"
    assert theirs.decrypt_message(envelope, signed, "1", "2") == message
    answer = theirs.encrypt_message(message, "2", "1")
    assert sealer().open(answer.split("<Encrypt><![CDATA[")[1].split("]]>")[0]).decode() == message


def test_another_account_is_refused_on_both_sides():
    sealed = sealer("wxsomeoneelse").seal(b"hello")
    with pytest.raises(Unsealable, match="wrong_app_id"):
        sealer().open(sealed)
    with pytest.raises(InvalidAppIdException):
        WeChatCrypto("t", AES_KEY, APP_ID).decrypt_message(
            f"<xml><Encrypt>{sealed}</Encrypt></xml>", signature("t", "1", "2", sealed), "1", "2"
        )


@pytest.mark.parametrize(
    ("sealed", "code"),
    [
        ("", "bad_padding"),
        ("不是", "not_base64"),
        ("AAAA", "bad_padding"),
        (base64.b64encode(bytes(32)).decode(), "bad_"),
    ],
)
def test_what_cannot_be_opened_says_why(sealed, code):
    with pytest.raises(Unsealable, match=code):
        sealer().open(sealed)


@given(st.binary(min_size=16, max_size=160).map(lambda data: data[: len(data) // 16 * 16]))
def test_noise_is_refused_and_never_crashes(noise):
    with pytest.raises(Unsealable):
        sealer().open(base64.b64encode(noise).decode())


def test_a_key_of_another_length_is_refused():
    with pytest.raises(ValueError, match="43"):
        Sealer(APP_ID, AES_KEY[:-1])
