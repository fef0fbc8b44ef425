"""The lock of the door: signatures, clocks, envelopes, keys; and what a reply looks like when it leaves."""

import os
import traceback
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from wechatpy.crypto import WeChatCrypto

from bot.wechat.codec import FRESH_SECONDS, NOTHING, REPLY_BYTES, Delivery, WebhookCodec, fit_reply
from bot.wechat.crypto import Envelope, Forgery
from bot.wechat.markup import Unreadable, clean
from config.settings import SAMPLE_AES_KEY, SAMPLE_APP_ID, SAMPLE_TOKEN, Mode
from tests.harness.platform import wechat as side
from tests.harness.platform.wechat import ACCOUNT, OPENID, WeChat, sha1

NOW = 1_795_000_000
OTHER_KEY = "b" * 42 + "Y"
SEALED = [Mode.COMPATIBLE, Mode.SAFE]


def codec(
    mode: Mode = Mode.SAFE,
    key: str = SAMPLE_AES_KEY,
    previous: str = "",
    now: int = NOW,
    token: str = SAMPLE_TOKEN,
) -> WebhookCodec:
    return WebhookCodec(SAMPLE_APP_ID, token, key, previous, mode, now=lambda: now)


def receive(door: WebhookCodec, query: Mapping[str, str], body: bytes) -> Delivery:
    return door.open(door.prove(query), body)


def wechat(mode: Mode = Mode.SAFE, **more: Any) -> WeChat:
    return WeChat(mode, now=lambda: NOW, **more)


def forgery(mode: Mode, query: Mapping[str, str], body: bytes) -> str:
    """The reason for which the door refuses."""
    with pytest.raises(Forgery) as refused:
        receive(codec(mode), query, body)
    assert "".join(traceback.format_exception(refused.value)).count("Traceback") == 1, "an inner error shows through"
    return refused.value.reason


def fields_of(xml: str) -> dict[str, str]:
    elements = list(ElementTree.fromstring(xml))
    names = [element.tag for element in elements]
    assert len(names) == len(set(names)), "an element stands there twice"
    return {element.tag: element.text or "" for element in elements}


# --- the check of the URL


def test_the_vector_on_wechats_page():
    query = {"timestamp": "1714036504", "nonce": "1514711492", "echostr": "4375120948345356249"}
    query["signature"] = "f464b24fc39322e44b38aa78f5edd27bd1441696"
    assert codec(token="AAAAA", now=1714036504).check_url(query) == "4375120948345356249"


@pytest.mark.parametrize("mode", Mode)
def test_the_url_check_is_the_same_in_every_mode(mode):
    assert codec(mode).check_url(wechat(mode).signed(echostr="5927782489")) == "5927782489"


def test_the_url_check_refuses_what_the_post_refuses():
    with pytest.raises(Forgery):
        codec().check_url(wechat(token="another").signed(echostr="1"))
    with pytest.raises(Forgery):
        codec(now=NOW + 3600).check_url(wechat().signed(echostr="1"))
    with pytest.raises(Forgery):
        codec().check_url({"echostr": "1"})


# --- who is let in


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("name", ["signature", "timestamp", "nonce"])
@pytest.mark.parametrize(
    "value", [None, "", "0", "汉字", "\ud800", "１７９５０００００００", "9" * 5000, "-1795000000", "1_795_000_00"]
)
def test_a_wrong_missing_or_strange_argument_is_a_forgery(mode, name, value):
    query, body = wechat(mode).deliver(side.text("捐"))
    del query[name]
    assert forgery(mode, query if value is None else query | {name: value}, body) in {"arguments", "signature"}


@pytest.mark.parametrize("mode", Mode)
def test_a_signature_that_is_wrong_in_its_last_sign_is_a_forgery(mode):
    query, body = wechat(mode).deliver(side.text("捐"))
    for name in query.keys() & {"signature", "msg_signature"}:
        nearly = query[name][:-1] + ("1" if query[name][-1] == "0" else "0")
        assert forgery(mode, query | {name: nearly}, body) == "signature"


@pytest.mark.parametrize("mode", Mode)
def test_another_token_is_a_forgery(mode):
    assert forgery(mode, *wechat(mode, token="another").deliver(side.text("捐"))) == "signature"


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("timestamp", ["abc", "01795000000", "1795000000.0", " 1795000000", "+1795000000", "9" * 400])
def test_a_signed_timestamp_that_is_none_is_a_forgery(mode, timestamp):
    query = {"timestamp": timestamp, "nonce": "1", "signature": sha1(SAMPLE_TOKEN, timestamp, "1")}
    assert forgery(mode, query, side.text("捐").encode()) == "arguments"


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("seconds", [-FRESH_SECONDS - 1, FRESH_SECONDS + 1, -86_400 * 365, 86_400 * 365])
def test_stale_and_future_deliveries_are_forgeries(mode, seconds):
    sender = WeChat(mode, now=lambda: NOW + seconds)
    assert forgery(mode, *sender.deliver(side.text("捐"))) == "stale"


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("seconds", [-FRESH_SECONDS, -15, 0, FRESH_SECONDS])
def test_wechats_own_retries_and_a_clock_that_is_off_are_let_in(mode, seconds):
    sender = WeChat(mode, now=lambda: NOW + seconds)
    assert receive(codec(mode), *sender.deliver(side.text("捐"))).message.text == "捐"


def test_an_empty_token_or_a_key_that_is_none_stops_the_start_without_showing_it():
    with pytest.raises(ValueError, match="token"):
        codec(token="")
    with pytest.raises(ValueError, match="AppID"):
        WebhookCodec("", SAMPLE_TOKEN, SAMPLE_AES_KEY, "", Mode.SAFE)
    for key in (
        "",
        "short",
        SAMPLE_AES_KEY + "=",
        SAMPLE_AES_KEY + "A",
        "!" * 43,
        "汉" * 43,
        SAMPLE_AES_KEY[:42] + " ",
    ):
        for mode in SEALED:
            with pytest.raises(ValueError, match="EncodingAESKey") as refused:
                codec(mode, key=key)
            assert not key or key not in str(refused.value)
        with pytest.raises(ValueError, match="EncodingAESKey"):
            codec(previous=key or "?")
    assert receive(codec(Mode.PLAIN, key=""), *wechat(Mode.PLAIN).deliver(side.text("捐"))).message.text == "捐"


# --- the mode is ours, never the sender's


@pytest.mark.parametrize("mode", SEALED)
@pytest.mark.parametrize("claim", [{}, {"encrypt_type": "raw"}, {"encrypt_type": "aes", "msg_signature": "0" * 40}])
def test_a_plain_body_at_a_sealed_door_is_a_forgery(mode, claim):
    query, body = wechat(Mode.PLAIN).deliver(side.text("捐"))
    assert forgery(mode, query | claim, body) == "not_sealed"


@pytest.mark.parametrize("mode", SEALED)
def test_a_sealed_body_at_a_plain_door_is_unreadable(mode):
    with pytest.raises(Unreadable, match="sealed_in_plain_mode"):
        receive(codec(Mode.PLAIN), *wechat(mode).deliver(side.text("捐")))


def test_what_stands_beside_the_envelope_is_not_believed():
    query, body = wechat(Mode.COMPATIBLE).deliver(side.text("一元"))
    tampered = body.replace("一元".encode(), "万元".encode()).replace(OPENID.encode(), b"oSomebodyElse")
    assert tampered != body
    message = receive(codec(Mode.COMPATIBLE), query, tampered).message
    assert (message.text, message.openid) == ("一元", OPENID)


# --- envelopes


def sealed_by(content: bytes, key: str = SAMPLE_AES_KEY, pad: bool = True) -> str:
    """An envelope with any inside at all, from someone who has the key."""
    sender = wechat(aes_key=key)
    padding = 32 - len(content) % 32 if pad else 0
    encryptor = sender._cipher().encryptor()
    return b64encode(encryptor.update(content + bytes([padding]) * padding) + encryptor.finalize()).decode()


def signed_envelope(sealed: str) -> tuple[dict[str, str], bytes]:
    """A delivery that is right in all but what is sealed."""
    query = wechat().signed()
    query["msg_signature"] = sha1(SAMPLE_TOKEN, query["timestamp"], query["nonce"], sealed)
    return query, f"<xml>{side.element('Encrypt', sealed)}</xml>".encode()


APP = SAMPLE_APP_ID.encode()
GOOD = side.text("捐", created=NOW).encode()
LENGTH = len(GOOD).to_bytes(4, "big")
WHOLE = wechat().seal(GOOD.decode())


def inside(over: int) -> bytes:
    """All that an envelope needs before its padding, ``over`` bytes longer than whole blocks."""
    spaces = (over - 20 - len(GOOD + APP)) % 32
    return b"r" * 16 + (len(GOOD) + spaces).to_bytes(4, "big") + GOOD + b" " * spaces + APP


BAD_ENVELOPES = {
    "not base64": "!!!!",
    "not ASCII": "汉字",
    "base64 with junk in it": WHOLE[:40] + "\n*" + WHOLE[40:],
    "cut short by a block": b64encode(b"x" * 48).decode(),
    "cut in the middle": WHOLE[: len(WHOLE) // 2 // 44 * 44],
    "one byte too few": WHOLE[:-4],
    "random": b64encode(os.urandom(320)).decode(),
    "sealed with another key": wechat(aes_key=OTHER_KEY).seal(GOOD.decode()),
    "for another account": wechat(app_id="wx_another").seal(GOOD.decode()),
    "for nobody": wechat(app_id="").seal(GOOD.decode()),
    "for a longer name": wechat(app_id=SAMPLE_APP_ID + "x").seal(GOOD.decode()),
    "padding of 0": sealed_by(inside(0) + b"\0" * 32, pad=False),
    "padding of 33": sealed_by(inside(31) + b"\x21" * 33, pad=False),
    "padding to AES's own block": sealed_by(inside(0) + b"\x10" * 16, pad=False),
    "padding not all alike": sealed_by(inside(24) + b"\1" * 7 + b"\x08", pad=False),
    "nothing but padding": sealed_by(b""),
    "half a length": sealed_by(b"r" * 16 + b"\0\0"),
    "a length past the end": sealed_by(b"r" * 16 + b"\xff\xff\xff\xff" + GOOD + APP),
    "a length that eats the account": sealed_by(b"r" * 16 + (len(GOOD) + 1).to_bytes(4, "big") + GOOD + APP),
    "a length too short": sealed_by(b"r" * 16 + (len(GOOD) - 1).to_bytes(4, "big") + GOOD + APP),
}


@pytest.mark.parametrize("sealed", BAD_ENVELOPES.values(), ids=BAD_ENVELOPES)
def test_a_signed_but_wrong_envelope_is_a_forgery(sealed):
    assert forgery(Mode.SAFE, *signed_envelope(sealed)) in {"envelope", "app_id"}


@pytest.mark.parametrize("over", [0, 16, 24, 31])
def test_a_right_envelope_of_the_same_making_is_opened(over):
    assert receive(codec(), *signed_envelope(sealed_by(inside(over)))).message.text == "捐"


@pytest.mark.parametrize("mode", SEALED)
@pytest.mark.parametrize("msg_signature", [None, "", "0" * 40, "汉字"])
def test_the_envelope_must_be_signed_too(mode, msg_signature):
    query, body = wechat(mode).deliver(side.text("捐"))
    del query["msg_signature"]
    query |= {} if msg_signature is None else {"msg_signature": msg_signature}
    assert forgery(mode, query, body) == "signature"


def test_an_envelope_moved_to_another_query_is_a_forgery():
    _, body = wechat().deliver(side.text("捐"))
    query, _ = wechat().deliver(side.text("捐"))
    assert forgery(Mode.SAFE, query, body) == "signature"


def test_two_envelopes_or_a_nested_one_are_forgeries():
    query, body = wechat().deliver(side.text("捐"))
    envelope = body[body.index(b"<Encrypt>") : body.index(b"</xml>")]
    assert forgery(Mode.SAFE, query, body.replace(envelope, envelope + envelope)) == "not_sealed"
    assert forgery(Mode.SAFE, query, body.replace(envelope, b"<Encrypt><a/></Encrypt>")) == "not_sealed"
    assert forgery(Mode.SAFE, query, body.replace(envelope, b"<Encrypt/>")) == "not_sealed"


@pytest.mark.parametrize("junk", ["", "hello", '{"MsgType": "text"}', "<xml/>", "<xml>" + "<a>" * 99])
def test_a_right_envelope_with_junk_in_it_is_unreadable(junk):
    with pytest.raises(Unreadable):
        receive(codec(), *wechat().deliver(junk))


def test_a_json_push_says_what_to_change():
    for mode in Mode:
        with pytest.raises(Unreadable, match="json"):
            receive(codec(mode), wechat().signed(), b'{"ToUserName": "gh_1", "Encrypt": "x"}')


@given(st.binary(), st.sampled_from(Mode))
def test_any_body_at_all_is_a_forgery_or_unreadable(body, mode):
    with pytest.raises((Forgery, Unreadable)):
        receive(codec(mode), wechat(mode).signed(msg_signature="0" * 40), body)


@given(st.binary(max_size=200) | st.binary(max_size=120).map(lambda inside: b"r" * 16 + inside))
def test_any_inside_at_all_is_a_forgery_or_unreadable(content):
    with pytest.raises((Forgery, Unreadable)):
        receive(codec(), *signed_envelope(sealed_by(content)))


@given(st.dictionaries(st.sampled_from(["signature", "timestamp", "nonce", "msg_signature", "x"]), st.text()))
def test_any_query_at_all_is_a_forgery(query):
    with pytest.raises(Forgery):
        receive(codec(), query, WHOLE.encode())


@given(st.binary(max_size=500))
def test_what_an_envelope_seals_it_opens(xml):
    envelope = Envelope("wx1", OTHER_KEY)
    once, again = envelope.seal(xml), envelope.seal(xml)
    assert envelope.open(once) == envelope.open(again) == xml
    assert once != again, "equal messages must not look equal"


# --- changing the key


def test_while_the_key_changes_both_are_opened_and_each_is_answered_in_its_own():
    door = codec(key=OTHER_KEY, previous=SAMPLE_AES_KEY)
    for key in (SAMPLE_AES_KEY, OTHER_KEY, SAMPLE_AES_KEY):
        sender = wechat(aes_key=key)
        delivery = receive(door, *sender.deliver(side.text("捐")))
        assert sender.read_text(door.seal("谢谢", delivery)) == "谢谢"


def test_after_the_change_the_old_key_is_a_forgery():
    with pytest.raises(Forgery):
        receive(codec(key=OTHER_KEY), *wechat().deliver(side.text("捐")))
    with pytest.raises(Forgery):
        receive(codec(key=OTHER_KEY, previous=OTHER_KEY), *wechat().deliver(side.text("捐")))


# --- replies


def answered(reply: str, mode: Mode = Mode.PLAIN) -> str:
    """The reply's XML as WeChat reads it."""
    delivery = receive(codec(mode), *wechat(mode).deliver(side.text("捐", created=NOW - 3)))
    return wechat(mode).read(codec(mode).seal(reply, delivery))


@pytest.mark.parametrize("mode", Mode)
def test_a_reply_goes_back_to_the_sender_in_the_mode_agreed(mode):
    reply = fields_of(answered("您好！\n1 看求助\n<a href='https://a.example/?a=1&b=2'>查看</a>", mode))
    assert reply == {
        "ToUserName": OPENID,
        "FromUserName": ACCOUNT,
        "CreateTime": str(NOW - 3),
        "MsgType": "text",
        "Content": "您好！\n1 看求助\n<a href='https://a.example/?a=1&b=2'>查看</a>",
    }


@pytest.mark.parametrize("mode", SEALED)
def test_a_redelivery_gets_the_same_xml_in_a_fresh_envelope(mode):
    xml = side.text("捐", created=NOW - 6)
    door, bodies = codec(mode), []
    for _ in range(3):
        bodies.append(door.seal("谢谢", receive(door, *wechat(mode).deliver(xml))))
    assert len({wechat(mode).read(body) for body in bodies}) == 1
    assert len(set(bodies)) == 3


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("reply", ["", " \n", "\x00\x0b"])
def test_nothing_to_say_is_the_bare_word(mode, reply):
    delivery = receive(codec(mode), *wechat(mode).deliver(side.text("捐")))
    assert codec(mode).seal(reply, delivery) == NOTHING


def test_a_reply_cannot_break_out_of_its_element():
    attack = "苗寨]]></Content><ToUserName>oVictim</ToUserName><Content><![CDATA[修路 ]]\x00> ]]]>>"
    reply = fields_of(answered(attack))
    assert set(reply) == {"ToUserName", "FromUserName", "CreateTime", "MsgType", "Content"}
    assert reply["ToUserName"] == OPENID
    assert reply["Content"] == attack.replace("\x00", "").replace("]]>", "]] >")


def test_characters_that_no_phone_can_show_are_dropped():
    assert fit_reply("捐\x00\x07款\x1b\x7f\x85\ud83d\ufffe\uffff\r\n１元\t👍") == "捐款\n１元\t👍"


def test_a_long_reply_is_cut_on_a_character_and_noted_without_its_words():
    with capture_logs() as logs:
        assert fit_reply("a" + "汉" * 1000) == "a" + "汉" * 666
        assert fit_reply("😀" * 501) == "😀" * 500
        assert fit_reply("汉" * 666 + "ab") == "汉" * 666 + "ab"
    assert logs == [
        {"event": "reply_cut", "bytes": 3001, "log_level": "warning"},
        {"event": "reply_cut", "bytes": 2004, "log_level": "warning"},
    ]


TEXTS = st.text() | st.text(st.sampled_from("a]>é汉😀\x00\ud800\r\n "), max_size=900).map(lambda text: text * 4)


@given(TEXTS)
def test_every_reply_fits_is_whole_and_is_the_start_of_the_clean_text(reply):
    fitted, cleaned = fit_reply(reply), clean(reply).replace("]]>", "]] >")
    assert cleaned.startswith(fitted)
    assert "]]>" not in fitted
    assert len(fitted.encode()) <= REPLY_BYTES
    assert fitted == cleaned or len(cleaned[: len(fitted) + 1].encode()) > REPLY_BYTES


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(Mode))
def test_every_reply_is_read_back_whole(reply, mode):
    assert fields_of(answered("。" + reply, mode))["Content"] == fit_reply("。" + reply)


# --- against wechatpy's own crypto


CRYPTO = WeChatCrypto(SAMPLE_TOKEN, SAMPLE_AES_KEY, SAMPLE_APP_ID)


@pytest.mark.parametrize("content", ["捐", "x" * 31, "x" * 32, "汉" * 600])
def test_what_wechatpy_seals_we_open(content):
    sealed = CRYPTO.encrypt_message(side.text(content), "nonce1", str(NOW))
    outer = fields_of(sealed)
    query = {"timestamp": str(NOW), "nonce": "nonce1", "msg_signature": outer["MsgSignature"]}
    query["signature"] = sha1(SAMPLE_TOKEN, str(NOW), "nonce1")
    assert receive(codec(), query, sealed.encode()).message.text == content


@pytest.mark.parametrize("content", ["捐", "x" * 31, "x" * 32, "汉" * 600])
def test_what_we_seal_wechatpy_opens(content):
    delivery = receive(codec(), *wechat().deliver(side.text("捐", created=NOW)))
    body = codec().seal(content, delivery).decode()
    outer = fields_of(body)
    xml = CRYPTO.decrypt_message(body, outer["MsgSignature"], outer["TimeStamp"], outer["Nonce"])
    assert fields_of(xml)["Content"] == content
