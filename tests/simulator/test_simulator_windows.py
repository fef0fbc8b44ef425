"""When the account may write by itself, and how often: every window, its count, its end and its errors."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.simulator import events
from bot.simulator.envelope import Content
from bot.simulator.push import MENU_BYTES
from bot.simulator.simulator import Simulator
from bot.simulator.windows import RULES, TYPING, TYPING_AFTER_ACT, Window
from tests.harness.platform.account_server import Account, Json, account

DAY = 86400
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.fixture
def server() -> Iterator[Account]:
    with account() as server:
        yield server


def code_button(kind: str) -> Json:
    return {"button": [{"type": kind, "name": "扫", "key": "k"}]}


def scan_by_menu(kind: str) -> Callable[[Simulator], object]:
    def act(simulator: Simulator) -> object:
        simulator.menus.create(code_button(kind))
        return simulator.scan("oAunt", "goods-7", (0,))

    return act


# What the person does, the messages that it allows, and for how long.
ACTS: list[tuple[str, Callable[[Simulator], object], int, int]] = [
    ("text", lambda sim: sim.send_text("oAunt", "你好"), 5, 2 * DAY),
    ("photo", lambda sim: sim.photo("oAunt", PNG), 5, 2 * DAY),
    ("place", lambda sim: sim.place("oAunt", 27.1, 111.0, "桃花坪"), 5, 2 * DAY),
    ("voice", lambda sim: sim.voice("oAunt", ""), 5, 2 * DAY),
    ("click", lambda sim: sim.click("oAunt", "我的"), 3, 60),
    ("option", lambda sim: sim.send_text("oAunt", "看", option_id="1"), 3, 60),
    ("scancode_push", scan_by_menu("scancode_push"), 3, 60),
    ("scancode_waitmsg", scan_by_menu("scancode_waitmsg"), 3, 60),
    ("follow", lambda sim: sim.follow("oAunt"), 3, 60),
    ("scan", lambda sim: sim.scan("oAunt", "poster"), 3, 60),
]


@pytest.mark.parametrize(("act", "most", "seconds"), [row[1:] for row in ACTS], ids=[row[0] for row in ACTS])
def test_each_act_allows_its_messages_for_its_time(
    server: Account, act: Callable[[Simulator], object], most: int, seconds: int
) -> None:
    assert server.say() == 45015
    act(server.simulator)
    assert [server.say() for _ in range(most + 1)] == [0] * most + [45047]
    act(server.simulator)
    server.simulator.timeline.move(seconds - 1)
    assert server.say() == 0
    server.simulator.timeline.move(1)
    assert server.say() == 45015


def test_a_payment_allows_any_number_for_two_days(server: Account) -> None:
    server.simulator.windows.paid("oAunt")
    assert {server.say() for _ in range(30)} == {0}
    assert server.simulator.windows.shown("oAunt")[0]["left"] is None
    server.simulator.timeline.move(2 * DAY - 1)
    assert server.say() == 0
    server.simulator.timeline.move(1)
    assert server.say() == 45015


def test_the_limits_are_the_platforms() -> None:
    minute, two_days = 60, 48 * 3600
    assert {
        Window.MESSAGE: (two_days, 5),
        Window.MENU: (minute, 3),
        Window.FOLLOW: (minute, 3),
        Window.SCAN: (minute, 3),
        Window.PAID: (two_days, None),
    } == RULES


@pytest.mark.parametrize(
    "content",
    [
        events.view("http://a.test/", 1),
        events.view_miniprogram("pages/index", 1),
        events.pictures("pic_sysphoto", "k", ["00"]),
        events.location_select("k", 27.1, 111.0, "桃花坪"),
        events.report_location(27.1, 111.0, 30),
        events.template_sent(1),
    ],
    ids=lambda content: content.event,
)
def test_other_acts_open_no_window(server: Account, content: Content) -> None:
    server.simulator.deliver("oAunt", content)
    assert server.say() == 45015


def test_windows_add_up_and_the_shorter_is_used_first(server: Account) -> None:
    server.simulator.send_text("oAunt", "你好")
    server.simulator.click("oAunt", "我的")
    assert [server.say() for _ in range(3)] == [0] * 3
    server.simulator.timeline.move(60)
    assert [server.say() for _ in range(6)] == [0] * 5 + [45047]


def test_an_act_begins_its_count_anew_and_adds_nothing_to_it(server: Account) -> None:
    for _ in range(3):
        server.simulator.send_text("oAunt", "你好")
    assert [server.say() for _ in range(6)] == [0] * 5 + [45047]


def test_one_persons_window_is_nobody_elses(server: Account) -> None:
    server.simulator.send_text("oAunt", "你好")
    assert (server.say("oUncle"), server.say("oAunt")) == (45015, 0)


def test_messages_sent_at_once_are_counted_once_each(server: Account) -> None:
    server.simulator.send_text("oAunt", "你好")
    with ThreadPoolExecutor(8) as pool:
        codes = Counter(pool.map(lambda _: server.say(), range(16)))
    assert codes == {0: 5, 45047: 11}


def test_to_whom_nothing_may_be_written(server: Account) -> None:
    server.simulator.send_text("oAunt", "你好")
    server.simulator.unfollow("oAunt")
    assert server.say("oAunt") == 45015  # has left
    assert server.say("oNew") == 43004  # was never here
    assert server.say("oNobody") == 40003
    server.simulator.send_text("oUncle", "你好")
    server.simulator.people.refuse("oUncle", True)
    assert server.say("oUncle") == 48002
    server.simulator.people.refuse("oUncle", False)
    server.post("/tags/members/batchblacklist", {"openid_list": ["oUncle"]})
    assert server.say("oUncle") == 43019


def test_who_comes_back_has_the_window_of_a_follow(server: Account) -> None:
    server.simulator.send_text("oAunt", "你好")
    server.simulator.unfollow("oAunt")
    server.simulator.follow("oAunt")
    assert [server.say() for _ in range(4)] == [0, 0, 0, 45047]


def menu(server: Account, size: int) -> int:
    """A msgmenu of so many bytes in all."""
    shown = {"head_content": "h" * (size - 6), "list": [{"id": "1", "content": "一"}], "tail_content": "二"}
    body = {"touser": "oAunt", "msgtype": "msgmenu", "msgmenu": shown}
    return int(server.post("/message/custom/send", body)["errcode"])


def test_an_option_menu_that_is_too_long_is_refused_and_uses_nothing(server: Account) -> None:
    server.simulator.send_text("oAunt", "你好")
    assert menu(server, MENU_BYTES + 1) == 45098
    assert [menu(server, MENU_BYTES) for _ in range(5)] == [0] * 5


def test_a_sandbox_account_has_no_option_menus_and_smaller_quotas() -> None:
    with account(test_account=True) as server:
        server.simulator.send_text("oAunt", "你好")
        assert menu(server, 100) == 40200
        assert server.say() == 0
        assert server.simulator.quotas.used("custom_send") == (2, 50_000)
        assert server.simulator.quotas.limits["token"] == 200
    with account() as server:
        assert server.simulator.quotas.limits["token"] == 2_000


# --- the typing state


def typing(server: Account, command: str = "Typing", openid: str = "oAunt") -> int:
    return int(server.post("/message/custom/typing", {"touser": openid, "command": command})["errcode"])


def test_typing_is_shown_for_a_while_after_an_act(server: Account) -> None:
    assert typing(server) == 45080
    server.simulator.send_text("oAunt", "你好")
    assert (typing(server), typing(server)) == (0, 45081)
    assert server.simulator.windows.is_typing("oAunt")
    assert typing(server, "CancelTyping") == 0
    assert not server.simulator.windows.is_typing("oAunt")
    assert typing(server) == 0
    server.simulator.timeline.move(TYPING)
    assert not server.simulator.windows.is_typing("oAunt")
    assert typing(server) == 0
    server.simulator.timeline.move(TYPING_AFTER_ACT)
    assert typing(server) == 45080
    assert typing(server, "Dance") == 45072
    assert typing(server, openid="oNobody") == 40003
