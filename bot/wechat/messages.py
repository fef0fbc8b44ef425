"""The sends of the platform's API: none is made twice, but a template message under its own client_msg_id."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from bot.wechat.policy import Action, WeChatError


class Wire(Protocol):
    """wechatpy's way to post, over our own transport."""

    def post(self, url: str, **request: Any) -> dict[str, Any]: ...


class Messages:
    """Customer-service and subscription messages cannot be told apart by the platform, so they are never repeated."""

    _wire: Wire

    def send_text(self, openid: str, text: str) -> None:
        body = {"touser": openid, "msgtype": "text", "text": {"content": text}}
        _sent(lambda: self._wire.post("message/custom/send", data=body))

    def send_options(self, openid: str, head: str, options: Sequence[tuple[str, str]], tail: str = "") -> None:
        """A msgmenu: ``options`` are (id, label) pairs; a tap comes back as the label's text with the id."""
        menu = {
            "head_content": head,
            "list": [{"id": key, "content": label} for key, label in options],
            "tail_content": tail,
        }
        body = {"touser": openid, "msgtype": "msgmenu", "msgmenu": menu}
        _sent(lambda: self._wire.post("message/custom/send", data=body))

    def send_template(
        self, openid: str, template_id: str, fields: Mapping[str, str], *, client_msg_id: str, url: str = ""
    ) -> str:
        """The platform's id of the message; empty where it already had ``client_msg_id``.

        The platform knows a client_msg_id for ten minutes, so only until then
        may the caller repeat a send whose outcome is unknown.
        """
        body = {"client_msg_id": client_msg_id, "url": url, **_card(openid, template_id, fields)}
        answer = _sent(lambda: self._wire.post("message/template/send", data=body, repeatable=True))
        return str(answer.get("msgid", ""))

    def send_subscription(self, openid: str, template_id: str, fields: Mapping[str, str]) -> str:
        """The platform's id of the message, which uses up one consent of the person's."""
        body = _card(openid, template_id, fields)
        answer = _sent(lambda: self._wire.post("message/subscribe/bizsend", data=body))
        return str(answer.get("msgid", ""))


def _card(openid: str, template_id: str, fields: Mapping[str, str]) -> dict[str, Any]:
    data = {name: {"value": value} for name, value in fields.items()}
    return {"touser": openid, "template_id": template_id, "data": data}


def _sent(send: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The answer to a send; one that the platform already had counts as sent."""
    try:
        return send()
    except WeChatError as error:
        if error.action is not Action.TREAT_AS_SENT:
            raise
    return {}
