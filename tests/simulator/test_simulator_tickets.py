"""jsapi_ticket and the signatures made with it."""

from collections.abc import Iterator

import pytest
from wechatpy.client.api import WeChatJSAPI

from bot.simulator.tickets import LIFE, jsapi_signature
from tests.harness.platform.account_server import Account, account
from tests.harness.platform.ticket_samples import OFFICIAL


@pytest.fixture
def server() -> Iterator[Account]:
    with account() as server:
        yield server


def test_official_signature() -> None:
    ticket, nonce, timestamp, url = OFFICIAL
    assert jsapi_signature(ticket, nonce, timestamp, url) == "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
    assert jsapi_signature(ticket, nonce, timestamp, f"{url}#part") == jsapi_signature(*OFFICIAL)
    assert jsapi_signature(ticket, nonce, timestamp, f"{url}2") != jsapi_signature(*OFFICIAL)


def test_wechatpy_signs_alike() -> None:
    ticket, nonce, timestamp, url = OFFICIAL
    assert WeChatJSAPI(None).get_jsapi_signature(nonce, ticket, timestamp, url) == jsapi_signature(*OFFICIAL)


def test_a_ticket_lives_for_two_hours(server: Account) -> None:
    first = server.get("/ticket/getticket", type="jsapi")
    assert (first["errcode"], first["expires_in"]) == (0, 7200)
    server.simulator.timeline.move(LIFE - 1)
    assert server.get("/ticket/getticket", type="jsapi") == first | {"expires_in": 1}
    server.simulator.timeline.move(1)
    second = server.get("/ticket/getticket", type="jsapi")
    assert second["ticket"] != first["ticket"]
    assert server.get("/ticket/getticket", type="wx_card")["ticket"] != second["ticket"]


@pytest.mark.parametrize("kind", ["", "other"])
def test_a_ticket_of_no_kind_is_refused(server: Account, kind: str) -> None:
    assert server.get("/ticket/getticket", type=kind)["errcode"] == 40097


def test_a_pages_signature_is_checked_with_the_ticket_that_lives(server: Account) -> None:
    ticket = server.get("/ticket/getticket", type="jsapi")["ticket"]
    signed = jsapi_signature(ticket, "n", "1", "http://a.test/")
    verify = server.simulator.tickets.verify
    assert verify(signed, "n", "1", "http://a.test/#part")
    assert not verify(signed, "n", "2", "http://a.test/")
    server.simulator.timeline.move(LIFE)
    assert not verify(signed, "n", "1", "http://a.test/")
