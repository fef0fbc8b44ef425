"""Template messages: the sends, what is reported of them, and the templates."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bot.simulator.__main__ import options, parse
from bot.simulator.fields import Template, read_templates
from bot.simulator.templates import BROKEN, REMEMBERED, REPORTED_AFTER, TEMPLATES
from tests.harness.platform.account_server import OPTIONS, Account, Json, account

NEWS = Template("tNews", "求助进展通知", "项目:{{thing1.DATA}}\n已筹:{{amount2.DATA}}\n时间：{{time3.DATA}}")
IN_LIBRARY = Template("", "发货通知", "货品:{{thing1.DATA}}\n数量:{{number2.DATA}}", short_id="4201")
DATA = {
    "thing1": {"value": "苗寨修路"},
    "amount2": {"value": "¥300000.50"},
    "time3": {"value": "2026年11月24日 15:01"},
}
REPORT = "TEMPLATESENDJOBFINISH"


@pytest.fixture
def server() -> Iterator[Account]:
    with account(templates=(NEWS,), template_library=(IN_LIBRARY,)) as server:
        yield server


def send(server: Account, data: Any = DATA, **more: Any) -> Json:
    body = {"touser": "oAunt", "template_id": "tNews", "url": "http://a.test/appeal/4", "data": data}
    return server.post("/message/template/send", body | more)


# --- sends


def test_a_message_stands_in_the_chat_and_is_reported_later(server: Account) -> None:
    answer = send(server)
    assert (answer["errcode"], answer["errmsg"]) == (0, "ok")
    [entry] = server.entries()
    assert (entry["by"], entry["kind"]) == ("account", "template")
    assert entry["content"] == {
        "title": "求助进展通知",
        "fields": [
            {"name": "项目", "value": "苗寨修路"},
            {"name": "已筹", "value": "¥300000.50"},
            {"name": "时间", "value": "2026年11月24日 15:01"},
        ],
        "url": "http://a.test/appeal/4",
    }
    assert server.heard == []
    server.simulator.timeline.move(REPORTED_AFTER)
    [report] = server.events(REPORT)
    assert (report.findtext("MsgID"), report.findtext("Status")) == (str(answer["msgid"]), "success")
    assert report.findtext("FromUserName") == "oAunt"


def test_whoever_blocks_the_account_sees_nothing_and_it_is_told(server: Account) -> None:
    server.simulator.people.refuse("oAunt", True)
    assert send(server)["errcode"] == 0
    server.simulator.timeline.move(REPORTED_AFTER)
    assert [report.findtext("Status") for report in server.events(REPORT)] == ["failed:user block"]
    assert server.entries() == []
    server.simulator.people.refuse("oAunt", False)
    assert send(server)["errcode"] == 0
    assert len(server.entries()) == 1


def test_a_failure_of_the_platform_is_told(server: Account) -> None:
    server.simulator.templates.expect(BROKEN, times=2)
    for _ in range(3):
        send(server)
    server.simulator.timeline.move(REPORTED_AFTER)
    statuses = [report.findtext("Status") for report in server.events(REPORT)]
    assert statuses == ["failed: system failed", "failed: system failed", "success"]
    assert len(server.entries()) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"touser": "oNobody"}, 40003),
        ({"touser": "oNew"}, 43004),
        ({"template_id": "tOther"}, 40037),
        ({"template_id": None}, 40037),
        ({"url": "javascript:1"}, 40066),
        ({"data": "text"}, 47001),
        ({"client_msg_id": "c" * 65}, 45067),
    ],
)
def test_each_mistake_has_its_code(server: Account, changes: Json, code: int) -> None:
    assert send(server, **changes)["errcode"] == code
    assert server.entries() == []


@pytest.mark.parametrize(
    ("field", "given", "how"),
    [
        ("thing1", {"value": "字" * 21}, "invalid"),
        ("amount2", {"value": "很多"}, "invalid"),
        ("time3", {"value": "明天"}, "invalid"),
        ("time3", {"value": ""}, "empty"),
        ("time3", {}, "empty"),
        ("time3", None, "empty"),
    ],
)
def test_a_wrong_field_is_named(server: Account, field: str, given: Any, how: str) -> None:
    answer = send(server, DATA | {field: given})
    assert answer["errcode"] == 47003
    assert answer["errmsg"].startswith(f"argument invalid! data.{field}.value is {how} rid: ")
    assert server.entries() == []


def test_fields_that_the_template_lacks_are_not_shown(server: Account) -> None:
    assert send(server, DATA | {"first": {"value": "您好"}, "remark": {"value": "谢谢"}})["errcode"] == 0
    assert len(server.entries()[0]["content"]["fields"]) == 3


def test_people_on_the_blacklist_get_nothing(server: Account) -> None:
    server.post("/tags/members/batchblacklist", {"openid_list": ["oAunt"]})
    assert send(server)["errcode"] == 43019


def test_a_client_id_is_taken_once_in_ten_minutes_for_each_person(server: Account) -> None:
    assert send(server, client_msg_id="n-1")["errcode"] == 0
    assert send(server, client_msg_id="n-1")["errcode"] == 45065
    assert send(server, client_msg_id="n-1", touser="oUncle")["errcode"] == 0
    assert send(server, client_msg_id="c" * 64)["errcode"] == 0
    server.simulator.timeline.move(REMEMBERED)
    assert send(server, client_msg_id="n-1")["errcode"] == 0


def test_a_refused_message_does_not_use_up_its_client_id(server: Account) -> None:
    assert send(server, {}, client_msg_id="n-1")["errcode"] == 47003
    assert send(server, client_msg_id="n-1")["errcode"] == 0


def test_of_the_same_message_sent_at_once_one_is_taken(server: Account) -> None:
    with ThreadPoolExecutor(8) as pool:
        codes = Counter(pool.map(lambda _: send(server, client_msg_id="n-1")["errcode"], range(8)))
    assert codes == {0: 1, 45065: 7}
    assert len(server.entries()) == 1


def test_uniform_send_is_withdrawn(server: Account) -> None:
    assert server.post("/message/wxopen/template/uniform_send", {"touser": "oAunt"})["errcode"] == 45109


# --- templates


def listed(server: Account) -> dict[str, Json]:
    return {row["template_id"]: row for row in server.get("/template/get_all_private_template")["template_list"]}


def test_templates_are_added_from_the_library_used_and_removed(server: Account) -> None:
    asked = {"template_id_short": "4201", "keyword_name_list": ["数量", "货品"]}
    made = server.post("/template/api_add_template", asked)["template_id"]
    assert listed(server)[made]["content"] == "数量:{{number2.DATA}}\n货品:{{thing1.DATA}}"
    data = {"thing1": {"value": "冬衣"}, "number2": {"value": 30}}
    assert send(server, data, template_id=made)["errcode"] == 0
    assert [line["value"] for line in server.entries()[0]["content"]["fields"]] == ["30", "冬衣"]
    assert server.post("/template/del_private_template", {"template_id": made})["errcode"] == 0
    assert server.post("/template/del_private_template", {"template_id": made})["errcode"] == 40037
    assert list(listed(server)) == ["tNews"]


def test_templates_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "templates.json"
    row = {"template_id": "tNews", "title": "通知", "content": "项目:{{thing1.DATA}}"}
    path.write_text(json.dumps({"own": [row], "subscriptions": [row | {"long_term": True}]}), encoding="utf-8")
    arguments = ["--app-id", "wx1", "--app-secret", "s", "--token", "t", "--aes-key", OPTIONS.aes_key]
    read = options(parse([*arguments, "--templates", str(path)]), 8001)
    assert [template.fields() for template in read.templates] == [[("项目", "thing1")]]
    assert (read.template_library, read.subscriptions[0].long_term) == ((), True)
    assert options(parse(arguments), 8001).templates == ()
    for broken in ("[]", '{"own": [{"name": "a"}]}', '{"other": []}', "{"):
        path.write_text(broken, encoding="utf-8")
        with pytest.raises(ValueError, match=r"."):
            read_templates(path)


def test_templates_by_plain_call(server: Account) -> None:
    server.simulator.templates.put(Template("tMore", "更多", "{{thing1.DATA}}"))
    assert send(server, template_id="tMore")["errcode"] == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"template_id_short": "1"}, 40037),
        ({"keyword_name_list": []}, 40246),
        ({"keyword_name_list": ["颜色"]}, 40246),
        ({"keyword_name_list": "数量"}, 40246),
    ],
)
def test_what_cannot_be_added(server: Account, changes: Json, code: int) -> None:
    asked = {"template_id_short": "4201", "keyword_name_list": ["数量"]} | changes
    assert server.post("/template/api_add_template", asked)["errcode"] == code


def test_an_account_has_twenty_five_templates(server: Account) -> None:
    asked = {"template_id_short": "4201", "keyword_name_list": ["数量"]}
    codes = [server.post("/template/api_add_template", asked)["errcode"] for _ in range(TEMPLATES)]
    assert codes == [0] * 24 + [45026]
