"""Template messages, and the templates that they are made of."""

from typing import Any
from urllib.parse import urlsplit

from bot.simulator import events
from bot.simulator.calls.base import OK, Answer, Call, Calls, body
from bot.simulator.errors import ApiError
from bot.simulator.fields import read_fields
from bot.simulator.simulator import Simulator
from bot.simulator.templates import DELIVERED, REPORTED_AFTER


def send(simulator: Simulator) -> Answer:
    """Answers at once; what became of the message is reported by an event later."""
    given = body()
    openid = str(given.get("touser"))
    if not simulator.crowd.knows(openid):
        raise ApiError(40003)
    if not simulator.crowd.is_following(openid):
        raise ApiError(43004)
    if simulator.people.is_blacklisted(openid):
        raise ApiError(43019)
    template = simulator.templates.find(given.get("template_id"))
    lines = read_fields(template, given.get("data"))
    url = address(given.get("url"))
    msg_id = simulator.templates.number(openid, str(given.get("client_msg_id") or ""))
    outcome = simulator.templates.outcome(simulator.people.is_refusing(openid))
    if outcome == DELIVERED:
        simulator.push(openid, "template", {"title": template.title, "fields": lines, "url": url})
    simulator.deliver_later(REPORTED_AFTER, openid, events.template_sent(msg_id, outcome))
    return {**OK, "msgid": msg_id}


def address(given: Any) -> str:
    """A web address, or nothing. Raises ApiError 40066."""
    url = str(given or "")
    if url and urlsplit(url).scheme not in {"http", "https"}:
        raise ApiError(40066)
    return url


def listed(simulator: Simulator) -> Answer:
    rows = [
        {
            "template_id": template.template_id,
            "title": template.title,
            "primary_industry": "",
            "deputy_industry": "",
            "content": template.content,
            "example": template.example,
        }
        for template in simulator.templates.shown()
    ]
    return {"template_list": rows}


def add(simulator: Simulator) -> Answer:
    given = body()
    names = given.get("keyword_name_list")
    if not isinstance(names, list):
        raise ApiError(40246)
    short_id = str(given.get("template_id_short", ""))
    return {**OK, "template_id": simulator.templates.add(short_id, [str(name) for name in names])}


def remove(simulator: Simulator) -> Answer:
    simulator.templates.remove(str(body().get("template_id", "")))
    return OK


def withdrawn(simulator: Simulator) -> Answer:
    """uniform_send, since 2023-09-20."""
    raise ApiError(45109)


CALLS: Calls = {
    "/cgi-bin/message/template/send": Call("POST", send, quota="template_send"),
    "/cgi-bin/template/get_all_private_template": Call("GET", listed),
    "/cgi-bin/template/api_add_template": Call("POST", add),
    "/cgi-bin/template/del_private_template": Call("POST", remove),
    "/cgi-bin/message/wxopen/template/uniform_send": Call("POST", withdrawn),
}
