"""The fault desk, the clock that moves, and the minute of silence, over real loopback sockets."""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from bot.simulator.app import create_simulator
from bot.simulator.errors import ApiError
from bot.simulator.faults import DELIVERY, Fault, FaultDesk, Kind
from bot.simulator.platform import FAILURES_BEFORE_SILENCE, SILENCE, Status
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator
from bot.simulator.timeline import Timeline
from tests.harness.simulator.echo_bot import OPTIONS, EchoBot, chatting, reply_xml

PROOF = {"grant_type": "client_credential", "appid": OPTIONS.app_id, "secret": OPTIONS.app_secret}


# --- the clock


class Clock:
    now = 1_795_600_000.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.integers(0, 1000), max_size=20), st.integers(0, 1000))
def test_what_falls_due_is_done_in_its_order_and_at_its_time(delays: list[int], passed: int) -> None:
    timeline = Timeline(Clock())
    start = timeline()
    done: list[float] = []
    for delay in delays:
        timeline.after(delay, lambda: done.append(timeline() - start))
    timeline.move(passed)
    assert done == sorted(delay for delay in delays if delay <= passed)
    timeline.move(1000)
    assert done == sorted(delays)
    assert timeline() - start == passed + 1000


def test_what_an_act_leads_to_falls_due_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    timeline = Timeline(Clock())
    start = timeline()
    done: list[float] = []

    def again() -> None:
        done.append(timeline() - start)
        if len(done) < 4:
            timeline.after(10, again)
        else:
            raise ValueError("this one fails")

    timeline.after(10, again)
    timeline.after(100, lambda: done.append(timeline() - start))
    timeline.move(100)
    assert done == [10, 20, 30, 40, 100]
    assert "this one fails" in capsys.readouterr().err
    with pytest.raises(ValueError, match="back"):
        timeline.move(-1)


def test_acts_are_done_as_true_time_passes() -> None:
    timeline = Timeline()
    done = threading.Event()
    timeline.start()
    timeline.after(0.05, done.set)
    assert done.wait(60)
    timeline.close()


# --- deliveries


@pytest.fixture
def bot() -> EchoBot:
    return EchoBot()


@pytest.fixture
def simulator(bot: EchoBot) -> Iterator[Simulator]:
    with chatting(bot) as simulator:
        yield simulator


@pytest.mark.parametrize(
    ("kind", "outcomes", "heard"),
    [
        (Kind.DROP, ["dropped", "answered"], 1),
        (Kind.LATE, ["late", "answered"], 2),
        (Kind.DELAY, ["answered"], 1),
        (Kind.DUPLICATE, ["answered"], 2),
        (Kind.FORGE, ["http_status", "answered"], 1),
    ],
)
def test_a_fault_of_one_delivery_is_made_good_by_the_next(
    simulator: Simulator, bot: EchoBot, kind: Kind, outcomes: list[str], heard: int
) -> None:
    simulator.faults.add(Fault(kind, times=1, seconds=0.1))
    delivery = simulator.send_text("oAunt", "你好")
    assert [attempt.outcome for attempt in delivery.attempts] == outcomes
    assert delivery.attempts[0].faults == (kind,)
    assert (delivery.status, delivery.reply_text) == (Status.REPLIED, "你好")
    assert len(bot.heard) == heard
    assert simulator.faults.shown() == []


def test_a_duplicate_that_is_answered_otherwise_is_a_violation(simulator: Simulator, bot: EchoBot) -> None:
    both, numbers = threading.Barrier(2), count()

    def otherwise(_: str) -> str:
        both.wait(60)
        return reply_xml(f"{next(numbers)}")

    bot.answer = otherwise
    simulator.faults.add(Fault(Kind.DUPLICATE))
    delivery = simulator.send_text("oAunt", "你好")
    assert [violation.code for violation in delivery.violations] == ["duplicate_differs"]


def test_a_message_held_back_comes_after_the_next(simulator: Simulator, bot: EchoBot) -> None:
    simulator.faults.add(Fault(Kind.REORDER, times=1, seconds=20))
    first = threading.Thread(target=simulator.send_text, args=("oAunt", "first"))
    first.start()
    while simulator.faults.shown():
        pass
    simulator.send_text("oAunt", "second")
    first.join(120)
    assert [word for heard in bot.heard for word in ("first", "second") if word in heard] == ["second", "first"]


def test_three_failures_are_all_that_a_person_waits_for(simulator: Simulator, bot: EchoBot) -> None:
    simulator.faults.add(Fault(Kind.DROP, where="oAunt"))
    delivery = simulator.send_text("oAunt", "你好")
    assert [attempt.outcome for attempt in delivery.attempts] == ["dropped"] * 3
    assert delivery.status is Status.UNAVAILABLE
    assert simulator.send_text("oNew", "你好").status is Status.REPLIED
    simulator.faults.lift()
    assert simulator.send_text("oAunt", "你好").status is Status.REPLIED


def test_after_failure_on_failure_the_platform_is_silent_for_a_minute(simulator: Simulator, bot: EchoBot) -> None:
    simulator.faults.add(Fault(Kind.DROP))
    for _ in range(FAILURES_BEFORE_SILENCE):
        assert simulator.send_text("oAunt", "你好").status is Status.UNAVAILABLE
    simulator.faults.lift()
    delivery = simulator.send_text("oAunt", "你好")
    assert (delivery.status, delivery.attempts, bot.heard) == (Status.UNAVAILABLE, (), [])
    assert 0 < simulator.platform.silent_for <= SILENCE
    simulator.timeline.move(SILENCE)
    assert simulator.send_text("oAunt", "你好").status is Status.REPLIED


# --- chances


def test_a_share_is_drawn_from_a_seed() -> None:
    def drawn(seed: int) -> list[bool]:
        desk = FaultDesk(seed)
        desk.add(Fault(Kind.DROP, share=0.2))
        return [bool(desk.on_delivery("oAunt")) for _ in range(1000)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 150 < Counter(drawn(1))[True] < 250


def test_a_fault_keeps_to_its_times_its_place_and_its_kind() -> None:
    desk = FaultDesk()
    desk.add(Fault(Kind.DROP, times=2, where="oAunt"))
    kept = desk.add(Fault(Kind.REFUSE, where="/cgi-bin/menu", code=45009))
    assert desk.on_delivery("oNew") == []
    assert desk.on_call("/cgi-bin/token") == []
    assert [len(desk.on_delivery("oAunt")) for _ in range(3)] == [1, 1, 0]
    assert [fault.id for fault in desk.on_call("/cgi-bin/menu/get")] == [kept]
    desk.lift(kept)
    assert desk.on_call("/cgi-bin/menu/get") == []


@pytest.mark.parametrize("wrong", [{"share": 0}, {"share": 2}, {"times": 0}, {"seconds": 61}, {"seconds": -1}])
def test_a_fault_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"share|time|seconds"):
        Fault(Kind.DROP, **wrong)


def test_every_kind_belongs_to_a_place() -> None:
    assert {Kind.REFUSE, Kind.SLOW, Kind.DOWN, Kind.LOST, Kind.REORDER} == set(Kind) - DELIVERY


# --- calls


@pytest.fixture
def served() -> Iterator[tuple[Simulator, str]]:
    simulator = Simulator(OPTIONS)
    with serving(create_simulator(OPTIONS, simulator)) as url:
        yield simulator, f"{url}/cgi-bin"
    simulator.close()


def token(url: str) -> dict[str, Any]:
    return dict(requests.get(f"{url}/token", params=PROOF, timeout=5).json())


def test_an_error_code_is_answered_n_times(served: tuple[Simulator, str]) -> None:
    simulator, url = served
    simulator.faults.add(Fault(Kind.REFUSE, times=2, code=-1, where="/cgi-bin/token"))
    assert [token(url).get("errcode") for _ in range(3)] == [-1, -1, None]


@pytest.mark.parametrize(("kind", "fetched"), [(Kind.DOWN, 0), (Kind.LOST, 1)])
def test_a_connection_breaks_off_before_or_after_the_call(
    served: tuple[Simulator, str], kind: Kind, fetched: int
) -> None:
    simulator, url = served
    simulator.faults.add(Fault(kind, times=1))
    with pytest.raises(requests.ConnectionError):
        token(url)
    assert simulator.quotas.used("token")[0] == fetched
    assert "access_token" in token(url)


def test_a_slow_call_is_answered_in_the_end(served: tuple[Simulator, str]) -> None:
    simulator, url = served
    simulator.faults.add(Fault(Kind.SLOW, times=1, seconds=0.5))
    with pytest.raises(requests.Timeout):
        requests.get(f"{url}/token", params=PROOF, timeout=0.2)
    assert "access_token" in token(url)


# --- quotas


def test_a_days_calls_are_counted_to_midnight_in_china() -> None:
    clock = Clock()
    clock.now = 1_795_622_400 - 60  # a minute before midnight in China
    simulator = Simulator(replace(OPTIONS, bot_url="/"), clock=clock)
    simulator.quotas.limits["token"] = 2
    for _ in range(2):
        simulator.quotas.use("token")
    with pytest.raises(ApiError, match="45009"):
        simulator.quotas.use("token")
    simulator.timeline.move(61)
    simulator.quotas.use("token")
    assert simulator.quotas.used("token") == (1, 2)
    for _ in range(10):
        simulator.quotas.clear()
    with pytest.raises(ApiError, match="48006"):
        simulator.quotas.clear()
    simulator.timeline.move(31 * 86400)
    simulator.quotas.clear()
    simulator.close()
