"""The bot's own client against the simulator: what it takes each answer for, and how it reads what is told later."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from pydantic import SecretStr

from bot.simulator.fields import Template
from bot.simulator.templates import BROKEN, REPORTED_AFTER
from bot.wechat.client import WeChatApi, open_session
from bot.wechat.markup import read_xml
from bot.wechat.parse import to_message
from bot.wechat.policy import Action, WeChatError
from bot.wechat.token import TokenManager
from models.people.message import Message
from tests.harness.platform.account_server import Account, account
from tests.harness.platform.token_platform import impatient_redis

TEMPLATE = Template("tNews", "到账通知", "项目:{{thing1.DATA}}")


@pytest.fixture
def server() -> Iterator[Account]:
    with account(app_id=f"wx{uuid4().hex[:16]}", templates=(TEMPLATE,), subscriptions=(TEMPLATE,)) as server:
        yield server


@pytest.fixture
def client(server: Account, redis_url: str) -> Iterator[WeChatApi]:
    options = server.simulator.options
    with impatient_redis(redis_url) as redis, open_session() as http:
        tokens = TokenManager(server.url, options.app_id, SecretStr(options.app_secret), redis, http)
        yield WeChatApi(server.url, tokens, http)


def told(server: Account) -> Message:
    """The last delivery, as the bot reads it."""
    return to_message(read_xml(ElementTree.tostring(server.heard[-1])))


def test_a_window_opens_and_is_used_up(server: Account, client: WeChatApi) -> None:
    with pytest.raises(WeChatError) as outside:
        client.send_text("oAunt", "到账了")
    assert (outside.value.code, outside.value.action) == (45015, Action.NEXT_CHANNEL)
    assert len(outside.value.rid) == 26
    server.simulator.click("oAunt", "我的")
    client.send_options("oAunt", "看吗？", [("1", "看")])
    client.send_text("oAunt", "到账了")
    client.send_text("oAunt", "到账了")
    with pytest.raises(WeChatError) as used_up:
        client.send_text("oAunt", "到账了")
    assert (used_up.value.code, used_up.value.action) == (45047, Action.NEXT_CHANNEL)
    assert [entry["kind"] for entry in server.entries() if entry["by"] == "account"] == ["msgmenu", "text", "text"]


def test_a_template_is_sent_once_and_its_end_is_read(server: Account, client: WeChatApi) -> None:
    server.simulator.templates.expect(BROKEN)
    number = client.send_template("oAunt", "tNews", {"thing1": "修路"}, client_msg_id="n-1", url="http://a.test/")
    assert client.send_template("oAunt", "tNews", {"thing1": "修路"}, client_msg_id="n-1") == ""
    server.simulator.timeline.move(REPORTED_AFTER)
    message = told(server)
    assert (message.event, message.msg_id, message.openid) == ("templatesendjobfinish", number, "oAunt")
    assert message.details["Status"] == "failed: system failed"


@pytest.mark.parametrize(
    ("openid", "template", "value", "code"),
    [
        ("oAunt", "tNews", "字" * 21, 47003),
        ("oAunt", "tOther", "修路", 40037),
        ("oNew", "tNews", "修路", 43004),
        ("oNobody", "tNews", "修路", 40003),
    ],
)
def test_the_client_knows_every_refusal(client: WeChatApi, openid: str, template: str, value: str, code: int) -> None:
    with pytest.raises(WeChatError) as refusal:
        client.send_template(openid, template, {"thing1": value}, client_msg_id="n-1")
    assert refusal.value.code == code


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("choices", [{"tNews": True}, {"tNews": True, "tMore": False}])
def test_a_choice_reads_the_same_in_every_form(server: Account, choices: dict[str, bool], wrapped: bool) -> None:
    server.simulator.subscriptions.put(replace(TEMPLATE, template_id="tMore"))
    server.simulator.answer_popup("oAunt", choices, wrapped=wrapped)
    rows = [(row["TemplateId"], row["SubscribeStatusString"]) for row in told(server).details["List"]]
    assert rows == [(name, "accept" if accepted else "reject") for name, accepted in choices.items()]


def test_a_code_that_is_scanned_reads_as_its_scene(server: Account) -> None:
    body = {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "appeal-4"}}}
    ticket = server.post("/qrcode/create", body)["ticket"]
    for openid, event in (("oAunt", "scan"), ("oNew", "subscribe")):
        server.simulator.scan_code(openid, ticket)
        assert (told(server).event, told(server).event_key) == (event, "appeal-4")


def test_of_a_person_the_client_learns_no_name(client: WeChatApi) -> None:
    assert client.person("oAunt")["subscribe"] == 1
    assert client.person("oNew") == {"subscribe": 0, "openid": "oNew"}


def test_the_days_end_stops_the_client(server: Account, client: WeChatApi) -> None:
    server.simulator.quotas.limits["user_info"] = 0
    with pytest.raises(WeChatError) as refusal:
        client.person("oAunt")
    assert (refusal.value.code, refusal.value.action) == (45009, Action.STOP_UNTIL_RESET)
