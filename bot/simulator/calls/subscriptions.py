"""Subscription notices, and the one-time messages that are older than they."""

from typing import Any

from bot.simulator import events
from bot.simulator.calls.base import OK, Answer, Call, Calls, body
from bot.simulator.calls.templates import address
from bot.simulator.errors import ApiError
from bot.simulator.fields import read_fields, wrong
from bot.simulator.simulator import Simulator
from bot.simulator.subscriptions import CONTENT_LENGTH, REPORTED_AFTER, SCENES, TITLE_LENGTH

ONE_TIME, LONG_TERM = 2, 3


def send(simulator: Simulator) -> Answer:
    """bizsend: also to people who do not follow, if they said yes."""
    given = body()
    openid = _known(simulator, given)
    template = simulator.subscriptions.find(given.get("template_id"))
    lines = read_fields(template, given.get("data"))
    url = address(given.get("page"))
    msg_id = simulator.subscriptions.take(openid, template.template_id)
    code, status = simulator.subscriptions.outcome()
    if code == 0:
        simulator.push(openid, "subscription", {"title": template.title, "fields": lines, "url": url})
    report = events.subscription_sent(template.template_id, msg_id, code, status)
    simulator.deliver_later(REPORTED_AFTER, openid, report)
    return {**OK, "msgid": msg_id}


def send_once(simulator: Simulator) -> Answer:
    """template/subscribe. The page gives limits and no codes for them; 47003 names the field, as elsewhere."""
    given = body()
    openid = _known(simulator, given)
    template = simulator.subscriptions.find(given.get("template_id"))
    scene = _scene(given.get("scene"))
    title = given.get("title")
    if not isinstance(title, str) or not 0 < len(title) <= TITLE_LENGTH:
        raise ApiError(47003, "argument invalid! title is invalid")
    content = _content(given.get("data"))
    url = address(given.get("url"))
    simulator.subscriptions.take_once(openid, template.template_id, scene)
    lines = [{"name": "", "value": content}]
    simulator.push(openid, "subscription", {"title": title, "fields": lines, "url": url})
    return OK


def listed(simulator: Simulator) -> Answer:
    rows = [
        {
            "priTmplId": template.template_id,
            "title": template.title,
            "content": template.content,
            "example": template.example,
            "type": LONG_TERM if template.long_term else ONE_TIME,
        }
        for template in simulator.subscriptions.shown()
    ]
    return {**OK, "data": rows}


def remove(simulator: Simulator) -> Answer:
    simulator.subscriptions.remove(str(body().get("priTmplId", "")))
    return OK


def _known(simulator: Simulator, given: dict[str, Any]) -> str:
    openid = str(given.get("touser"))
    if not simulator.crowd.knows(openid):
        raise ApiError(40003)
    return openid


def _scene(given: Any) -> int:
    """The platform takes it both as a number and as text."""
    written = str(given)
    if isinstance(given, bool) or not (written.isascii() and written.isdigit()) or int(written) > SCENES:
        raise ApiError(47003, "argument invalid! scene is invalid")
    return int(written)


def _content(data: Any) -> str:
    field = data.get("content") if isinstance(data, dict) else None
    value = field.get("value") if isinstance(field, dict) else None
    if not isinstance(value, str) or not value:
        raise wrong("content", "empty")
    if len(value) > CONTENT_LENGTH:
        raise wrong("content", "invalid")
    return value


CALLS: Calls = {
    "/cgi-bin/message/subscribe/bizsend": Call("POST", send, quota="subscribe_send"),
    "/cgi-bin/message/template/subscribe": Call("POST", send_once, quota="template_send"),
    "/wxaapi/newtmpl/gettemplate": Call("GET", listed),
    "/wxaapi/newtmpl/deltemplate": Call("POST", remove),
}
