"""A clock that the account's server shares: told of each move first, on either side of the true time, tokens apart."""

from functools import partial

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from bot.simulator.app import create_simulator
from bot.simulator.pay.moments import read_rfc3339, rfc3339
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator
from bot.simulator.timeline import Timeline
from tests.harness.money.merchant import MCHID, NOON, OPTIONS

DAY = 86_400.0


class Kept:
    """Where the account's server reads the shift. ``away``: it cannot be reached."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.ahead = ahead
        self.away = False

    def read(self) -> float:
        return self.ahead

    def write(self, ahead: float) -> None:
        if self.away:
            raise ConnectionError
        self.ahead = ahead


def timeline(kept: Kept) -> Timeline:
    return Timeline(lambda: NOON, kept)


@pytest.mark.parametrize("ahead", [5 * DAY, -40 * DAY])
def test_it_begins_where_the_servers_clock_stands(ahead: float) -> None:
    clock = timeline(Kept(ahead))
    assert clock() == NOON + ahead
    clock.move(DAY)
    assert clock() == NOON + ahead + DAY


@given(
    st.floats(-100, 100),
    st.lists(st.tuples(st.floats(0, 30), st.floats(0, 30)), max_size=6),
)
def test_whenever_something_is_done_both_clocks_have_its_time(start: float, steps: list[tuple[float, float]]) -> None:
    kept = Kept(start * DAY)
    clock = timeline(kept)
    seen: list[tuple[float, float]] = []

    def look(moment: float) -> None:
        seen.append((NOON + kept.ahead - moment, clock() - moment))

    for due, moved in steps:
        moment = clock() + due * DAY
        clock.after(due * DAY, partial(look, moment))
        clock.move(moved * DAY)
        assert kept.ahead == clock.ahead
    assert all(abs(server) < 1e-3 and abs(ours) < 1e-3 for server, ours in seen)


def test_a_move_that_the_server_cannot_be_told_of_is_none_and_nothing_falls_due_is_lost() -> None:
    kept, done = Kept(), []
    clock = timeline(kept)
    clock.after(DAY, lambda: done.append(clock()))
    kept.away = True
    with pytest.raises(ConnectionError):
        clock.move(2 * DAY)
    assert (clock(), done) == (NOON, [])
    kept.away = False
    clock.move(2 * DAY)
    assert (clock(), done) == (NOON + 2 * DAY, [NOON + DAY])


def test_tokens_and_tickets_keep_the_true_time() -> None:
    """The server keeps them for so many true seconds, so none may die of a jump."""
    simulator = Simulator(OPTIONS, clock=lambda: NOON, shared=Kept())
    with serving(create_simulator(simulator.options, simulator)) as url:
        asked = {"appid": OPTIONS.app_id, "secret": OPTIONS.app_secret, "grant_type": "client_credential"}
        token = requests.post(f"{url}/cgi-bin/stable_token", json=asked, timeout=5).json()["access_token"]
        ticket = requests.get(
            f"{url}/cgi-bin/ticket/getticket", params={"access_token": token, "type": "jsapi"}, timeout=5
        ).json()
        simulator.timeline.move(5 * DAY)
        again = requests.get(
            f"{url}/cgi-bin/ticket/getticket", params={"access_token": token, "type": "jsapi"}, timeout=5
        ).json()
    simulator.close()
    assert again == ticket
    assert ticket["errcode"] == 0


@pytest.mark.parametrize("ahead", [30 * DAY, -30 * DAY])
def test_an_order_expires_by_the_time_that_both_have(ahead: float) -> None:
    simulator = Simulator(OPTIONS, clock=lambda: NOON, shared=Kept(ahead))
    now = NOON + ahead
    order = {
        "mchid": MCHID,
        "appid": OPTIONS.app_id,
        "description": "修桥",
        "out_trade_no": "EXPIRES1",
        "notify_url": "https://merchant.example/pay/notify",
        "amount": {"total": 100},
        "payer": {"openid": "oAunt"},
        "time_expire": rfc3339(now + 7200),
    }
    simulator.pay.orders.create(order)
    assert simulator.pay.orders.by_number("EXPIRES1").expires == read_rfc3339(rfc3339(now + 7200))
    simulator.close()
