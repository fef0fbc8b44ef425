"""Send messages by the platform's API; only a template message is retried, under its own client_msg_id."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from bot.wechat.policy import Action, WeChatError


class Wire(Protocol):
    """wechatpy's post method, over our own transport."""

    def post(self, url: str, **request: Any) -> dict[str, Any]: ...


class Messages:
    """The sends. The platform cannot recognise a repeated customer-service or subscription message: none is retried."""

    _wire: Wire

    def send_text(self, openid: str, text: str) -> None:
        body = {"touser": openid, "msgtype": "text", "text": {"content": text}}
        _sent(lambda: self._wire.post("message/custom/send", data=body))

    def send_options(self, openid: str, head: str, options: Sequence[tuple[str, str]], tail: str = "") -> None:
        """Send a msgmenu: ``options`` are (id, label) pairs; a tap comes back as the label's text with the id."""
        menu = {
            "head_content": head,
            "list": [{"id": key, "content": label} for key, label in options],
            "tail_content": tail,
        }
        body = {"touser": openid, "msgtype": "msgmenu", "msgmenu": menu}
        _sent(lambda: self._wire.post("message/custom/send", data=body))

    def send_image(self, openid: str, media_id: str) -> None:
        """Send a picture that was uploaded."""
        body = {"touser": openid, "msgtype": "image", "image": {"media_id": media_id}}
        _sent(lambda: self._wire.post("message/custom/send", data=body))

    def send_article(self, openid: str, title: str, text: str, url: str, picture: str = "") -> None:
        """Send a card (图文) that opens ``url``. ``picture``: the address of a JPEG or PNG; none without.

        doc/service/api/customer/message/api_sendcustommessage: one article in a message.
        """
        article = {"title": title, "description": text, "url": url, **({"picurl": picture} if picture else {})}
        body = {"touser": openid, "msgtype": "news", "news": {"articles": [article]}}
        _sent(lambda: self._wire.post("message/custom/send", data=body))

    def send_template(
        self, openid: str, template_id: str, fields: Mapping[str, str], *, client_msg_id: str, url: str = ""
    ) -> str:
        """Send a template message; return the platform's id of it, empty if it already had ``client_msg_id``.

        The platform knows a client_msg_id for ten minutes, so only until then
        may the caller repeat a send whose outcome is unknown.
        """
        body = {"client_msg_id": client_msg_id, "url": url, **_card(openid, template_id, fields)}
        answer = _sent(lambda: self._wire.post("message/template/send", data=body, repeatable=True))
        return str(answer.get("msgid", ""))

    def send_subscription(self, openid: str, template_id: str, fields: Mapping[str, str]) -> str:
        """Send a subscription message, which uses up one consent of the person's; return the platform's id of it."""
        body = _card(openid, template_id, fields)
        answer = _sent(lambda: self._wire.post("message/subscribe/bizsend", data=body))
        return str(answer.get("msgid", ""))


def _card(openid: str, template_id: str, fields: Mapping[str, str]) -> dict[str, Any]:
    data = {name: {"value": value} for name, value in fields.items()}
    return {"touser": openid, "template_id": template_id, "data": data}


def _sent(send: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Send and return the answer; a message that the platform already had counts as sent."""
    try:
        return send()
    except WeChatError as error:
        if error.action is not Action.TREAT_AS_SENT:
            raise
    return {}
