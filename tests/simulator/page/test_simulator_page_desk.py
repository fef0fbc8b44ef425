"""The page's fault desk and clock, as forms that a browser posts."""

import pytest

from bot.simulator.app import create_simulator
from bot.simulator.faults import Fault, Kind
from bot.simulator.fields import Template
from tests.harness.simulator.echo_bot import EchoBot, chatting
from tests.simulator.page.simulator_page import act, feed


@pytest.fixture
def simulator():
    with chatting(EchoBot()) as held:
        yield held


@pytest.fixture
def client(simulator):
    return create_simulator(simulator.options, simulator).test_client()


def test_a_fault_is_put_on_shown_and_lifted(client, simulator):
    first = act(client, "faults", kind="drop", times="2", share="50", where="oAunt").get_json()["id"]
    act(client, "faults", kind="refuse", times="", where="/cgi-bin/message", code="45015")
    act(client, "faults", kind="slow", seconds="2.5", share="")
    assert simulator.faults.shown() == [
        Fault(Kind.DROP, times=2, share=0.5, where="oAunt"),
        Fault(Kind.REFUSE, where="/cgi-bin/message", code=45015),
        Fault(Kind.SLOW, seconds=2.5),
    ]
    assert [fault["kind"] for fault in feed(client)["faults"]] == ["drop", "refuse", "slow"]
    assert act(client, "faults/lift", id=str(first)).get_json() == {"left": 2}
    assert act(client, "faults/lift").get_json() == {"left": 0}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_fault_can_be_put_on(client, simulator, kind):
    assert act(client, "faults", kind=kind.value, times="1", seconds="1").status_code == 200
    assert simulator.faults.shown()[0].kind is kind


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": "earthquake"},
        {"kind": "drop", "times": "0.5"},
        {"kind": "drop", "times": "-1"},
        {"kind": "drop", "share": "0"},
        {"kind": "drop", "share": "101"},
        {"kind": "drop", "share": "nan"},
        {"kind": "delay", "seconds": "61"},
        {"kind": "drop", "where": "/cgi-bin"},
        {"kind": "down", "where": "oAunt"},
    ],
)
def test_a_fault_that_cannot_be_is_refused(client, simulator, fields):
    answer = act(client, "faults", **fields)
    assert (answer.status_code, answer.get_json()) == (400, {"error": "bad_request"})
    assert simulator.faults.shown() == []


def test_the_clock_is_moved_and_what_falls_due_is_done(client, simulator):
    simulator.timeline.after(3600, lambda: simulator.push("oAunt", "text", {"text": "到期了"}))
    before = feed(client)["now"]
    moved = act(client, "clock", seconds="86400").get_json()
    assert moved["now"] >= before + 86400
    news = feed(client)
    assert news["ahead"] == pytest.approx(86400, abs=5)
    assert [entry["content"]["text"] for entry in news["entries"]] == ["到期了"]


@pytest.mark.parametrize("seconds", ["", "-1", "x", "1e12", "nan"])
def test_time_does_not_go_back_nor_anywhere(client, simulator, seconds):
    assert act(client, "clock", seconds=seconds).status_code == 400
    assert simulator.timeline.ahead == 0


def test_the_minute_of_silence_is_told(client, simulator):
    simulator.faults.add(Fault(Kind.DROP))
    for _ in range(5):
        act(client, "text", openid="oAunt", text="1")
    assert feed(client)["silent_until"] > feed(client)["now"]
    act(client, "text", openid="oAunt", text="1")
    assert feed(client)["exchanges"][-1]["delivery"]["attempts"] == []
    act(client, "clock", seconds="60")
    assert feed(client)["silent_until"] == 0


def test_other_sites_can_neither_break_nor_hasten_anything(client, simulator):
    for action in ["faults", "faults/lift", "clock"]:
        assert act(client, action, headers={"Origin": "http://evil.test"}, kind="drop", seconds="5").status_code == 403
    assert simulator.faults.shown() == []
    assert simulator.timeline.ahead == 0


def test_a_code_is_scanned_by_its_ticket_while_it_lives(client, simulator):
    body = {"action_name": "QR_STR_SCENE", "expire_seconds": 60, "action_info": {"scene": {"scene_str": "门口"}}}
    code, _ = simulator.codes.create(body)
    assert [shown["scene"] for shown in feed(client)["codes"]] == ["门口"]
    assert act(client, "scan", openid="oAunt", scene="门口", ticket=code.ticket).get_json() == {"status": "replied"}
    assert code.ticket in feed(client)["exchanges"][0]["delivery"]["request_xml"]
    simulator.timeline.move(60)
    answer = act(client, "scan", openid="oAunt", scene="门口", ticket=code.ticket)
    assert (answer.status_code, answer.get_json()) == (410, {"error": "dead_code"})
    assert feed(client)["codes"] == []


TEMPLATE = Template("tpl-1", "求助进展通知", "求助事项:{{thing1.DATA}}")


def test_consent_is_given_and_refused(client, simulator):
    simulator.subscriptions.put(TEMPLATE)
    assert feed(client)["consents"]["oAunt"] == {"tpl-1": 0}
    assert act(client, "consent", openid="oAunt", choices='{"tpl-1": true}').get_json() == {"status": "silent"}
    act(client, "consent", openid="oAunt", choices='{"tpl-1": false}')
    assert feed(client)["consents"]["oAunt"] == {"tpl-1": 1}
    labels = [exchange["label"] for exchange in feed(client)["exchanges"]]
    assert labels == ["subscribe_msg_popup_event"] * 2


@pytest.mark.parametrize(
    ("choices", "status", "error"),
    [
        ("", 400, "bad_request"),
        ("[]", 400, "bad_request"),
        ("{}", 400, "bad_request"),
        ('{"tpl-1": 1}', 400, "bad_request"),
        ('{"1": true, "2": true, "3": true, "4": true, "5": true, "6": true}', 400, "bad_request"),
        ('{"nothing": true}', 422, "40037"),
    ],
)
def test_a_consent_that_cannot_be_is_refused(client, simulator, choices, status, error):
    simulator.subscriptions.put(TEMPLATE)
    answer = act(client, "consent", openid="oAunt", choices=choices)
    assert (answer.status_code, answer.get_json()) == (status, {"error": error})
