"""A flood in one lane keeps no other waiting, and what cannot be answered in time is refused at once."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bot.web.buffered import BufferedApp
from bot.web.lanes import HEALTH, LANES, MESSAGES, PAGES, LaneQueue, lane_of, lanes_with
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
    lanes = [replace(MESSAGES, threads=1, most=2, seconds=60.0), replace(HEALTH, threads=1, seconds=60.0), PAGES]
    door = BufferedApp(held, lanes)

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
    pool: Any = stage.app.extensions["bangfu"]["turns"].database.pool
    assert sum(lane.threads for lane in LANES) <= pool.size() + pool._max_overflow


def test_money_and_health_have_lanes_of_their_own() -> None:
    paths = ("/wechat", "/pay/notify", "/pay/notify/orders", "/readyz", "/metrics", "/a/1")
    assert [lane_of(path) for path in paths] == ["messages", "money", "money", "health", "health", "pages"]


def test_what_would_not_be_begun_in_time_is_refused_before_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten a second are begun and three seconds may be waited: thirty wait, and no more while the pace stays so."""
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    queue: LaneQueue[int] = LaneQueue(replace(MESSAGES, most=1_000, seconds=3.0))
    for _ in range(400):
        if not queue.is_full():
            queue.put(now, 0)
    assert queue.take() == (0, False)  # of a lane that has just begun only the places are known
    for _ in range(200):
        now += 0.1
        queue.put(now, 0)
        queue.take()
    waits = 0
    while not queue.is_full():
        queue.put(now, 0)
        waits += 1
    while waits:  # what was let in, is begun in time
        now += 0.1
        waits -= not queue.take()[1]


def test_a_lane_that_stood_still_is_soon_as_open_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    queue: LaneQueue[int] = LaneQueue(MESSAGES)
    for gap in (*[0.002] * 100, 2.0, *[0.002] * 100):
        queue.put(now, 0)
        queue.put(now, 0)
        queue.take()
        now += gap
        queue.take()
    for _ in range(500):
        assert not queue.is_full()
        queue.put(now, 0)
