"""The official examples, and whatever either side makes, pass through the simulator's crypto and the bot's, both ways.

The two are written apart from each other, so that neither can be wrong alone.
"""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.simulator.sealing import Sealer, Unsealable, signature
from bot.simulator.tickets import jsapi_signature
from bot.wechat.crypto import Envelope, Forgery, demand_signature, signature_of
from tests.harness.platform.ticket_samples import OFFICIAL as SIGNED
from tests.simulator.sealing_samples import AES_KEY, APP_ID
from tests.simulator.sealing_samples import OFFICIAL as SEALED

# miniprogram/dev/framework/server-ability/message-push.md; and the sample of the platform's own libraries.
PUSH = (("AAAAA", "1714036504", "1514711492"), "f464b24fc39322e44b38aa78f5edd27bd1441696")
SAFE = (("spamtest", "1409735669", "1320562132", SEALED), "5d197aaffba7e9b25a30732f161a50dee96bd5fa")
WORDS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@pytest.mark.parametrize(("parts", "official"), [PUSH, SAFE])
def test_both_sides_sign_as_the_platform_does(parts: tuple[str, ...], official: str) -> None:
    assert signature(*parts) == signature_of(*parts) == official
    demand_signature(signature(*parts), *parts)


@given(st.lists(WORDS, min_size=3, max_size=4))
def test_either_side_takes_the_others_signature(parts: list[str]) -> None:
    demand_signature(signature(*parts), *parts)
    assert signature_of(*parts) == signature(*parts)
    with pytest.raises(Forgery):
        demand_signature(signature(*parts, "more"), *parts)


def test_both_sides_open_the_official_message() -> None:
    opened = Sealer(APP_ID, AES_KEY).open(SEALED)
    assert opened == Envelope(APP_ID, AES_KEY).open(SEALED)
    assert b"<Content><![CDATA[abcdteT]]></Content>" in opened


@given(st.binary(max_size=3000))
def test_either_side_opens_what_the_other_seals(message: bytes) -> None:
    simulator, bot = Sealer(APP_ID, AES_KEY), Envelope(APP_ID, AES_KEY)
    assert bot.open(simulator.seal(message)) == message
    assert simulator.open(bot.seal(message)) == message


def test_either_side_refuses_what_is_for_another_account() -> None:
    with pytest.raises(Forgery, match="app_id"):
        Envelope(APP_ID, AES_KEY).open(Sealer("wxother", AES_KEY).seal(b"a"))
    with pytest.raises(Unsealable, match="wrong_app_id"):
        Sealer(APP_ID, AES_KEY).open(Envelope("wxother", AES_KEY).seal(b"a"))


def test_the_official_page_signature_by_the_words_of_the_page() -> None:
    """The bot has no web pages that sign yet: the formula stands in for it."""
    ticket, nonce, timestamp, url = SIGNED
    fields = {"noncestr": nonce, "jsapi_ticket": ticket, "timestamp": timestamp, "url": url}
    written = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    by_formula = hashlib.sha1(written.encode()).hexdigest()  # noqa: S324
    assert jsapi_signature(*SIGNED) == by_formula == "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
