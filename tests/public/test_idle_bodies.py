"""Whoever sends half a body keeps nobody else waiting, and not for long. Slow: it needs the server's own process."""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlencode, urlsplit

import pytest
import requests

from bot.web.lanes import LANES
from models.giving.pledge import Pledge
from tests.harness.money.held_callback import held_callback
from tests.harness.money.paid_stage import DONOR, Collecting, collecting, path_of
from tests.harness.platform import wechat
from tests.harness.processes.web import served

pytestmark = pytest.mark.slow

# Of each kind: the threads that a lane of the web has, three times.
MANY = 3 * max(lane.threads for lane in LANES)
SECONDS = 9.0  # less than the server gives a body


@pytest.fixture
def stage(database_url: str, redis_url: str) -> Iterator[Collecting]:
    with collecting(database_url, redis_url) as stage:
        yield stage


@pytest.fixture
def url(stage: Collecting) -> Iterator[str]:
    """The same bot, served as in production."""
    with served(stage) as url:
        yield url


class HalfABody:
    """A request whose head is right in everything, and whose body stops after a few bytes."""

    def __init__(self, url: str, target: str, headers: dict[str, str], *, chunked: bool = False) -> None:
        self.chunked = chunked
        length = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": "1000"}
        given = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        lines = [f"{name}: {value}" for name, value in (given | length | {"Host": "bangfu"}).items()]
        self.socket = socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=SECONDS)
        self.socket.sendall("\r\n".join([f"POST {target} HTTP/1.1", *lines, "", ""]).encode())
        self.drip()

    def drip(self) -> None:
        self.socket.sendall(b"1\r\n{\r\n" if self.chunked else b"{")

    def drips_on(self) -> bool:
        """Send one more byte, if the server still listens."""
        if select.select([self.socket], [], [], 0)[0]:
            return False  # it has answered, or hung up
        with suppress(ConnectionError):  # it hung up just now
            self.drip()
        return True

    def end(self) -> bytes:
        """All that is answered until the server hangs up."""
        heard = b""
        while part := self.socket.recv(4096):
            heard += part
        self.socket.close()
        return heard


def idle(stage: Collecting, url: str) -> list[HalfABody]:
    """Those who know what is no secret: the serial and the time, a delivery's query, a donor's own page."""
    signer = stage.simulator.pay.signer
    headers = signer.headers(b"another body", signer.callback_serial())
    query = urlencode(wechat.WeChat().deliver(wechat.text("你好"))[0])
    link, browser = stage.link(stage.pledged()), stage.visit(DONOR)
    assert browser.get(link, timeout=SECONDS).ok
    (cookie,) = [one for one in browser.cookies if one.name == "bangfu_visitor"]
    donors = {"Content-Type": "application/json", "Cookie": f"{cookie.name}={cookie.value}"}
    found = []
    for number in range(MANY):
        chunked = number % 2 == 1
        found.append(HalfABody(url, "/pay/notify", headers, chunked=chunked))
        found.append(HalfABody(url, f"/wechat?{query}", {}, chunked=chunked))
        found.append(HalfABody(url, f"{path_of(link)}/order", donors, chunked=chunked))
    return found


def test_half_bodies_keep_nobody_waiting_and_are_cut_off(stage: Collecting, url: str) -> None:
    pledge, headers, body = held_callback(stage)
    waiting = idle(stage, url)
    assert requests.post(f"{url}/pay/notify", data=body, headers=headers, timeout=SECONDS).status_code == 204
    assert stage.state(Pledge, pledge) == "committed"
    platform = wechat.WeChat()
    query, delivery = platform.deliver(wechat.text("你好"))
    answer = requests.post(f"{url}/wechat", params=query, data=delivery, timeout=SECONDS)
    assert (answer.status_code, bool(platform.read_text(answer.content))) == (200, True)
    assert requests.get(f"{url}/ledger", timeout=SECONDS).ok
    # Whoever goes on a byte at a time is no better off.
    dripping, silent, begun = waiting[:MANY], waiting[MANY:], time.monotonic()
    while [each for each in dripping if each.drips_on()]:
        assert time.monotonic() < begun + 60
        time.sleep(0.5)
    for each in silent:
        assert each.end().startswith(b"HTTP/1.1 408 ")
    for each in dripping:
        each.socket.close()


def test_a_body_that_breaks_off_takes_no_turn_and_a_long_one_is_refused(stage: Collecting, url: str) -> None:
    query = urlencode(wechat.WeChat().deliver(wechat.text("你好"))[0])
    broken = HalfABody(url, f"/wechat?{query}", {})
    broken.socket.shutdown(socket.SHUT_WR)
    assert broken.end().startswith(b"HTTP/1.1 400 ")
    long = requests.post(f"{url}/wechat?{query}", data=iter([b"x" * 70_000]), timeout=SECONDS)
    assert (long.status_code, long.content) == (413, b"")
    long = requests.post(f"{url}/pay/notify", data=b"x" * 70_000, timeout=SECONDS)
    assert (long.status_code, long.json()) == (413, {"code": "FAIL", "message": "refused"})


def test_what_comes_in_by_the_server_is_what_was_sent(stage: Collecting, url: str) -> None:
    """Names of headers with underscores pass for nothing, and a file goes out whole."""
    assert requests.get(f"{url}/metrics", headers={"X-Forwarded-For": "9.9.9.9"}, timeout=SECONDS).status_code == 403
    assert requests.get(f"{url}/metrics", headers={"X_Forwarded_For": "9.9.9.9"}, timeout=SECONDS).ok
    assert requests.get(f"{url}/notices/%E6%9D%91", timeout=SECONDS).status_code == 404
