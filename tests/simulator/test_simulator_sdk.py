"""The JS-SDK that the simulator gives to pages inside a phone, and who checks their signature."""

from collections.abc import Iterator

import pytest
import requests

from bot.simulator.page import SDK
from bot.simulator.tickets import LIFE, jsapi_signature
from tests.harness.platform.account_server import OPTIONS, Account, account

PAGE = "http://127.0.0.1:8000/subscribe/a.b.c"


@pytest.fixture
def server() -> Iterator[Account]:
    with account() as server:
        yield server


def checked(server: Account, **changes: str) -> tuple[int, object]:
    ticket = server.get("/ticket/getticket", type="jsapi")["ticket"]
    fields = {"appId": OPTIONS.app_id, "nonce": "n", "timestamp": "1", "url": PAGE}
    fields |= {"signature": jsapi_signature(ticket, "n", "1", PAGE)} | changes
    answer = requests.post(f"{root(server)}/desk/page", data=fields, headers={"Origin": root(server)}, timeout=5)
    return answer.status_code, answer.json()


def root(server: Account) -> str:
    return server.url.removesuffix("/")


def test_a_page_may_use_it_with_a_signature_over_its_address(server: Account) -> None:
    assert checked(server) == (200, {"ok": True})
    assert checked(server, url=f"{PAGE}#part") == (200, {"ok": True})


@pytest.mark.parametrize(
    "changes",
    [{"url": f"{PAGE}?a=1"}, {"nonce": "m"}, {"timestamp": "2"}, {"appId": "wxother"}, {"signature": "0" * 40}],
)
def test_a_wrong_signature_is_told(server: Account, changes: dict[str, str]) -> None:
    assert checked(server, **changes) == (200, {"ok": False})


def test_a_page_that_says_nothing_is_refused(server: Account) -> None:
    assert checked(server, signature="")[0] == 400


def test_a_signature_with_a_ticket_of_the_past_is_wrong(server: Account) -> None:
    ticket = server.get("/ticket/getticket", type="jsapi")["ticket"]
    server.simulator.timeline.move(LIFE)
    assert checked(server, signature=jsapi_signature(ticket, "n", "1", PAGE)) == (200, {"ok": False})


def test_the_sdk_brings_the_bridge_along(server: Account) -> None:
    answer = requests.get(root(server) + SDK, timeout=5)
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.text.index("WeixinJSBridgeReady") < answer.text.index("wx-open-subscribe")
