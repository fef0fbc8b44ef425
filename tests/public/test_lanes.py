"""A flood in one lane keeps no other waiting, and what cannot be answered in time is refused at once."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from bot.web.buffered import BufferedApp
from bot.web.lanes import HEALTH, LANES, MESSAGES, PAGES, lane_of, lanes_with
from tests.harness.stage import Stage


def get(path: str) -> Any:
    common = {"method": "GET", "headers": {}, "server": "127.0.0.1:1", "client": "127.0.0.1:2", "query_string": ""}
    return SimpleNamespace(path=path, scheme="http", http_version="1.1", **common)


class Client:
    def __init__(self) -> None:
        self.status, self.headers, self.body = 0, dict[str, str](), b""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, dict(headers), body


class Held:
    """An application whose answers at /wechat wait until they are let go."""

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Semaphore(0), threading.Event()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.begun.release()
        if environ["PATH_INFO"] == "/wechat":
            self.let_go.wait(60)
        start("200 OK", [])
        return [b"answered"]


def test_a_full_lane_refuses_at_once_and_the_others_go_on() -> None:
    held = Held()
    door = BufferedApp(held, [replace(MESSAGES, threads=1, most=2), replace(HEALTH, threads=1), PAGES])

    async def come() -> tuple[list[int], int, int]:
        clients = [Client() for _ in range(4)]
        first = asyncio.ensure_future(door.__rsgi__(get("/wechat"), clients[0]))  # type: ignore[arg-type]
        await asyncio.to_thread(held.begun.acquire)
        others = [asyncio.ensure_future(door.__rsgi__(get("/wechat"), each)) for each in clients[1:3]]  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await door.__rsgi__(get("/wechat"), clients[3])  # type: ignore[arg-type]
        refused, well = clients[3].status, Client()
        await door.__rsgi__(get("/readyz"), well)  # type: ignore[arg-type]
        held.let_go.set()
        await asyncio.gather(first, *others)
        return [each.status for each in clients], refused, well.status

    assert asyncio.run(come()) == ([200, 200, 200, 503], 503, 200)


def test_what_has_waited_too_long_is_not_begun() -> None:
    held = Held()
    door = BufferedApp(held, [replace(MESSAGES, seconds=-1.0)])
    client = Client()
    asyncio.run(door.__rsgi__(get("/wechat"), client))  # type: ignore[arg-type]
    assert (client.status, client.headers) == (503, {"retry-after": "5"})
    assert not held.begun.acquire(blocking=False)


def test_a_reader_whose_page_is_refused_reads_why(stage: Stage) -> None:
    pages = lanes_with(stage.app.extensions["bangfu"]["busy_page"])[-1]
    assert pages.name == PAGES.name
    assert "现在打开的人太多" in pages.body.decode()
    assert dict(pages.headers)["cache-control"] == "no-store"


def test_each_thread_finds_a_connection_to_the_database(stage: Stage) -> None:
    pool: Any = stage.database.pool
    assert sum(lane.threads for lane in LANES) <= pool.size() + pool._max_overflow


def test_money_and_health_have_lanes_of_their_own() -> None:
    paths = ("/wechat", "/pay/notify", "/pay/notify/orders", "/readyz", "/metrics", "/a/1")
    assert [lane_of(path) for path in paths] == ["messages", "money", "money", "health", "health", "pages"]
