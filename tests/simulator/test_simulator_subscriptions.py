"""Consent to subscription notices and to one-time messages: how it is given, what it is good for, and what is told."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from bot.simulator.crowd import UnknownPerson
from bot.simulator.errors import ApiError
from bot.simulator.fields import Template
from bot.simulator.subscriptions import REPORTED_AFTER
from tests.harness.platform.account_server import OPTIONS, Account, Json, account

ONE = Template("sOne", "到账提醒", "金额:{{amount1.DATA}}\n备注:{{thing2.DATA}}")
LONG = Template("sLong", "办事进度", "进度:{{phrase1.DATA}}", long_term=True)
DATA = {"amount1": {"value": "¥500"}, "thing2": {"value": "苗寨修路"}}
POPUP, CHANGE, SENT = "subscribe_msg_popup_event", "subscribe_msg_change_event", "subscribe_msg_sent_event"


@pytest.fixture
def server() -> Iterator[Account]:
    with account(subscriptions=(ONE, LONG)) as server:
        yield server


def send(server: Account, **changes: Any) -> Json:
    body = {"touser": "oAunt", "template_id": "sOne", "page": "http://a.test/", "data": DATA}
    return server.post("/message/subscribe/bizsend", body | changes)


def test_one_consent_is_good_for_one_notice(server: Account) -> None:
    assert send(server)["errcode"] == 43101
    server.simulator.answer_popup("oAunt", {"sOne": True})
    assert [send(server)["errcode"] for _ in range(2)] == [0, 43101]
    server.simulator.answer_popup("oAunt", {"sOne": True})
    server.simulator.answer_popup("oAunt", {"sOne": True})
    assert server.simulator.subscriptions.left("oAunt", "sOne") == 2
    server.simulator.timeline.move(400 * 86400)  # consent does not run out
    assert [send(server)["errcode"] for _ in range(3)] == [0, 0, 43101]
    assert send(server, touser="oUncle")["errcode"] == 43101


def test_a_no_gives_nothing_and_takes_nothing(server: Account) -> None:
    server.simulator.answer_popup("oAunt", {"sOne": True})
    server.simulator.answer_popup("oAunt", {"sOne": False})
    assert [send(server)["errcode"] for _ in range(2)] == [0, 43101]


def test_a_later_no_takes_all_back(server: Account) -> None:
    for _ in range(3):
        server.simulator.answer_popup("oAunt", {"sOne": True, "sLong": True})
    server.simulator.change_consent("oAunt", {"sOne": False, "sLong": False})
    assert send(server)["errcode"] == 43101
    assert send(server, template_id="sLong", data={"phrase1": {"value": "已通过"}})["errcode"] == 43101


def test_long_term_consent_is_good_for_any_number(server: Account) -> None:
    server.simulator.answer_popup("oAunt", {"sLong": True})
    assert server.simulator.subscriptions.left("oAunt", "sLong") is None
    data = {"phrase1": {"value": "已通过"}}
    assert {send(server, template_id="sLong", data=data)["errcode"] for _ in range(10)} == {0}


def test_people_who_do_not_follow_are_reached(server: Account) -> None:
    server.simulator.answer_popup("oNew", {"sOne": True})
    assert send(server, touser="oNew")["errcode"] == 0
    [entry] = server.entries("oNew")
    assert (entry["kind"], entry["content"]["title"]) == ("subscription", "到账提醒")
    assert entry["content"]["fields"] == [{"name": "金额", "value": "¥500"}, {"name": "备注", "value": "苗寨修路"}]


def test_consent_used_at_once_is_used_once(server: Account) -> None:
    server.simulator.answer_popup("oAunt", {"sOne": True})
    with ThreadPoolExecutor(8) as pool:
        codes = Counter(pool.map(lambda _: send(server)["errcode"], range(8)))
    assert codes == {0: 1, 43101: 7}


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("name", [POPUP, CHANGE])
def test_the_choice_is_told_in_both_forms_and_one_row_is_an_object(server: Account, name: str, wrapped: bool) -> None:
    act = server.simulator.answer_popup if name == POPUP else server.simulator.change_consent
    act("oAunt", {"sOne": False}, wrapped=wrapped)
    act("oAunt", {"sOne": True, "sLong": False}, wrapped=wrapped)
    one, two = server.events(name)
    outer = {POPUP: "SubscribeMsgPopupEvent/List", CHANGE: "SubscribeMsgChangeEvent/List"}[name]
    path = outer if wrapped else "List"
    assert [row.findtext("SubscribeStatusString") for row in one.iterfind(path)] == ["reject"]
    rows = [(row.findtext("TemplateId"), row.findtext("SubscribeStatusString")) for row in two.iterfind(path)]
    assert rows == [("sOne", "accept"), ("sLong", "reject")]
    assert [row.findtext("PopupScene") for row in two.iterfind(path)] == (["1"] * 2 if name == POPUP else [None] * 2)


def test_what_became_of_a_notice_is_told_later(server: Account) -> None:
    for _ in range(2):
        server.simulator.answer_popup("oAunt", {"sOne": True})
    first = send(server)
    server.simulator.subscriptions.expect(43101, "failed:user refuse")
    send(server)
    assert server.events(SENT) == []
    server.simulator.timeline.move(REPORTED_AFTER)
    rows = [told.find("SubscribeMsgSentEvent/List") for told in server.events(SENT)]
    names = ("TemplateId", "ErrorCode", "ErrorStatus")
    assert [[row.findtext(name) for name in names] for row in rows if row is not None] == [
        ["sOne", "0", "success"],
        ["sOne", "43101", "failed:user refuse"],
    ]
    assert rows[0] is not None
    assert rows[0].findtext("MsgID") == str(first["msgid"])
    assert len(server.entries()) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"touser": "oNobody"}, 40003),
        ({"template_id": "sOther"}, 40037),
        ({"data": {}}, 47003),
        ({"data": DATA | {"amount1": {"value": "很多"}}}, 47003),
        ({"page": "ftp://a.test/"}, 40066),
    ],
)
def test_a_mistake_uses_no_consent(server: Account, changes: Json, code: int) -> None:
    server.simulator.answer_popup("oAunt", {"sOne": True})
    assert send(server, **changes)["errcode"] == code
    assert server.simulator.subscriptions.left("oAunt", "sOne") == 1


def test_what_a_popup_cannot_ask(server: Account) -> None:
    with pytest.raises(ApiError, match="40037"):
        server.simulator.answer_popup("oAunt", {"sOne": True, "sOther": True})
    with pytest.raises(ValueError, match="five"):
        server.simulator.answer_popup("oAunt", {f"s{n}": True for n in range(6)})
    with pytest.raises(UnknownPerson):
        server.simulator.answer_popup("oNobody", {"sOne": True})
    assert server.simulator.subscriptions.left("oAunt", "sOne") == 0
    assert server.heard == []


def test_the_templates_of_notices(server: Account) -> None:
    rows = server.get("/wxaapi/newtmpl/gettemplate")["data"]
    assert [(row["priTmplId"], row["type"]) for row in rows] == [("sOne", 2), ("sLong", 3)]
    assert server.post("/wxaapi/newtmpl/deltemplate", {"priTmplId": "sLong"})["errcode"] == 0
    assert server.post("/wxaapi/newtmpl/deltemplate", {"priTmplId": "sLong"})["errcode"] == 40037
    server.simulator.subscriptions.put(LONG)
    assert len(server.get("/wxaapi/newtmpl/gettemplate")["data"]) == 2


# --- one-time messages


def send_once(server: Account, **changes: Any) -> Json:
    data = {"content": {"value": "路修好了", "color": "#000000"}}
    body = {"touser": "oAunt", "template_id": "sOne", "scene": "1000", "title": "修路", "data": data}
    return server.post("/message/template/subscribe", body | {"url": "http://a.test/"} | changes)


def test_a_one_time_message_takes_one_yes_to_its_scene(server: Account) -> None:
    server.simulator.subscriptions.allow_once("oAunt", "sOne", 1000)
    assert send_once(server, scene="1001")["errcode"] == 43101
    assert [send_once(server)["errcode"] for _ in range(2)] == [0, 43101]
    content = server.entries()[0]["content"]
    assert (content["title"], content["fields"]) == ("修路", [{"name": "", "value": "路修好了"}])


@pytest.mark.parametrize(
    ("changes", "code", "named"),
    [
        ({"scene": "10001"}, 47003, "scene"),
        ({"scene": "-1"}, 47003, "scene"),
        ({"scene": None}, 47003, "scene"),
        ({"title": "字" * 16}, 47003, "title"),
        ({"title": ""}, 47003, "title"),
        ({"data": {"content": {"value": "字" * 201}}}, 47003, "content"),
        ({"data": {}}, 47003, "content"),
        ({"template_id": "sOther"}, 40037, ""),
        ({"touser": "oNobody"}, 40003, ""),
    ],
)
def test_the_limits_of_a_one_time_message(server: Account, changes: Json, code: int, named: str) -> None:
    server.simulator.subscriptions.allow_once("oAunt", "sOne", 1000)
    answer = send_once(server, **changes)
    assert answer["errcode"] == code
    assert named in answer["errmsg"]
    assert send_once(server)["errcode"] == 0  # nothing was used up


@pytest.mark.parametrize("scene", [0, 10000])
def test_the_longest_one_time_message_is_taken(server: Account, scene: int) -> None:
    server.simulator.subscriptions.allow_once("oAunt", "sOne", scene)
    data = {"content": {"value": "字" * 200}}
    assert send_once(server, scene=scene, title="字" * 15, data=data)["errcode"] == 0


def visit(server: Account, **changes: str) -> requests.Response:
    query = {"action": "get_confirm", "appid": OPTIONS.app_id, "scene": "7", "template_id": "sOne"}
    query |= {"redirect_url": "http://a.test/back?page=1", "reserved": "r1"} | changes
    cookies = {"simulator_person": "oAunt"}
    return requests.get(f"{server.url}/mp/subscribemsg", params=query, cookies=cookies, timeout=5)


@pytest.mark.parametrize(("action", "code"), [("confirm", 0), ("cancel", 43101)])
def test_the_page_that_asks_for_one_message(server: Account, action: str, code: int) -> None:
    asked = visit(server).text.split("asked=")[1].split('"')[0]
    address = f"{server.url}/mp/subscribemsg/answer"
    query = {"asked": asked, "action": action}
    answer = requests.get(address, params=query, timeout=5, allow_redirects=False)
    back = parse_qs(urlsplit(answer.headers["Location"]).query)
    expected = {"page": ["1"], "template_id": ["sOne"], "scene": ["7"], "reserved": ["r1"], "action": [action]}
    assert back == expected | ({"openid": ["oAunt"]} if action == "confirm" else {})
    assert requests.get(address, params=query, timeout=5, allow_redirects=False).status_code == 400
    assert send_once(server, scene=7)["errcode"] == code


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"appid": "wxother"}, "app_id"),
        ({"scene": "10001"}, "scene"),
        ({"template_id": "sOther"}, "scene"),
        ({"redirect_url": "javascript:alert(1)"}, "redirect_uri"),
    ],
)
def test_a_page_with_a_wrong_address_says_so(server: Account, changes: dict[str, str], shown: str) -> None:
    answer = visit(server, **changes)
    assert answer.status_code == 400
    assert f"<code>{shown}</code>" in answer.text
