"""News come to the page by themselves: the stream of server-sent events, over real sockets."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from bot.simulator import stream
from bot.simulator.app import create_simulator
from bot.simulator.faults import Fault, Kind
from bot.simulator.serving import serving
from tests.harness.simulator.echo_bot import MENU, EchoBot, chatting

PATIENCE = 20


@pytest.fixture
def simulator():
    with chatting(EchoBot()) as held:
        yield held


@pytest.fixture
def url(simulator):
    with serving(create_simulator(simulator.options, simulator)) as address:
        yield address


@contextmanager
def listening(url: str, after: int = 0, last: str = "") -> Iterator[Iterator[str]]:
    """The stream's lines, as they come."""
    headers = {"Last-Event-ID": last} if last else {}
    with requests.get(f"{url}/desk/stream?after={after}", headers=headers, stream=True, timeout=PATIENCE) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield answer.iter_lines(chunk_size=1, decode_unicode=True)


def next_event(lines: Iterator[str]) -> tuple[str, dict[str, Any]]:
    """(id, data) of the next message."""
    named = ""
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "id":
            named = value
        if name == "data":
            return named, json.loads(value)
    raise AssertionError("the stream has ended")


def texts(data: dict[str, Any]) -> list[str]:
    return [entry["content"]["text"] for entry in data["entries"]]


def serving_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "process_request" in thread.name]


def test_a_push_comes_by_itself(simulator, url):
    with listening(url) as lines:
        _, first = next_event(lines)
        assert {"people", "menu_stamp", "faults", "ahead", "silent_until", "boot", "now"} <= first.keys()
        simulator.push("oAunt", "text", {"text": "到账了"})
        named, data = next_event(lines)
    assert texts(data) == ["到账了"]
    assert "people" not in data  # they are as they were
    assert named == f"{data['boot']}.{data['version']}"


def test_what_the_chat_is_not_told_of_comes_too(simulator, url):
    with listening(url) as lines:
        next_event(lines)
        simulator.faults.add(Fault(Kind.DROP, times=2, share=0.5))
        assert next_event(lines)[1]["faults"][0]["kind"] == "drop"
        simulator.menus.create(MENU)
        assert "menu_stamp" in next_event(lines)[1]
        simulator.timeline.move(86400)
        assert next_event(lines)[1]["ahead"] == pytest.approx(86400, abs=5)
        simulator.crowd.follow("oNew", True)
        assert any(person["following"] for person in next_event(lines)[1]["people"] if person["openid"] == "oNew")


def test_a_browser_that_comes_back_hears_what_it_missed(simulator, url):
    simulator.push("oAunt", "text", {"text": "一"})
    with listening(url) as lines:
        last, _ = next_event(lines)
    simulator.push("oAunt", "text", {"text": "二"})
    with listening(url, last=last) as lines:
        assert texts(next_event(lines)[1]) == ["二"]
    with listening(url, after=int(last.split(".")[1])) as lines:
        assert texts(next_event(lines)[1]) == ["二"]


@pytest.mark.parametrize("last", ["0123456789abcdef.1", "nonsense", "x.y"])
def test_after_a_restart_the_page_hears_everything(simulator, url, last):
    simulator.push("oAunt", "text", {"text": "一"})
    with listening(url, last=last) as lines:
        assert texts(next_event(lines)[1]) == ["一"]


def test_a_silent_stream_shows_that_it_is_there(simulator, url, monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT", 0.0)
    with listening(url) as lines:
        next_event(lines)
        assert next(line for line in lines if line) == ": still here"


def test_a_stream_ends_with_the_simulator(simulator, url):
    with listening(url) as lines:
        next_event(lines)
        simulator.close()
        assert [line for line in lines if line] == []
    assert requests.get(f"{url}/desk/feed", timeout=PATIENCE).json()["people"]


def test_no_thread_is_left_behind_by_a_page_that_was_closed(simulator, url):
    before = serving_threads()  # of tests before this one
    for _ in range(5):
        with listening(url) as lines:
            next_event(lines)
    ours = [thread for thread in serving_threads() if thread not in before]
    for thread in ours:
        thread.join(PATIENCE)
    assert [thread for thread in ours if thread.is_alive()] == []


def test_other_sites_cannot_listen(url):
    answer = requests.get(f"{url}/desk/stream", headers={"Host": "evil.test"}, timeout=PATIENCE)
    assert answer.status_code == 403
