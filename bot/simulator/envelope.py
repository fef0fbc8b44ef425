"""What a person does, as the XML that the platform posts: the messages.

Events are in ``events``. Each function gives a ``Content``; ``address`` makes
the XML of it, once, so that every delivery of one message is the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Fields = Sequence[tuple[str, Any]]
"""Element names with what is in them: text (CDATA), numbers, or further fields."""


@dataclass(frozen=True)
class Content:
    """``kind`` is the MsgType, or ``event``. ``sender`` replaces the person where the platform itself speaks."""

    kind: str
    fields: Fields
    event: str = ""
    event_key: str = ""
    answerable: bool = True
    """False: whatever the server replies is not shown to anyone."""
    sender: str = ""

    @property
    def label(self) -> str:
        return self.event or self.kind


def text(content: str, option_id: str = "") -> Content:
    """``option_id``: the id of a tapped msgmenu option."""
    option = [("bizmsgmenuid", option_id)] if option_id else []
    return Content("text", [("Content", content), *option])


def image(pic_url: str, media_id: str) -> Content:
    return Content("image", [("PicUrl", pic_url), ("MediaId", media_id)])


def voice(media_id: str, recognition: str, voice_format: str = "amr") -> Content:
    return Content("voice", [("MediaId", media_id), ("Format", voice_format), ("Recognition", recognition)])


def video(media_id: str, thumb_media_id: str, short: bool = False) -> Content:
    kind = "shortvideo" if short else "video"
    return Content(kind, [("MediaId", media_id), ("ThumbMediaId", thumb_media_id)])


def location(latitude: float, longitude: float, label: str, scale: int = 15) -> Content:
    """Degrees, GCJ-02."""
    where = [("Location_X", float(latitude)), ("Location_Y", float(longitude)), ("Scale", scale)]
    return Content("location", [*where, ("Label", label)])


def link(title: str, description: str, url: str) -> Content:
    return Content("link", [("Title", title), ("Description", description), ("Url", url)])


def address(content: Content, account: str, openid: str, created: int, msg_id: int) -> str:
    """The whole message as XML. ``msg_id`` is left out of events, as the platform does."""
    head: list[tuple[str, Any]] = [
        ("ToUserName", account),
        ("FromUserName", content.sender or openid),
        ("CreateTime", created),
        ("MsgType", content.kind),
    ]
    tail = [] if content.kind == "event" else [("MsgId", msg_id)]
    return document([*head, *content.fields, *tail])


def document(fields: Fields) -> str:
    return f"<xml>{_elements(fields)}</xml>"


def _elements(fields: Fields) -> str:
    return "".join(f"<{name}>{_inner(value)}</{name}>" for name, value in fields)


def _inner(value: Any) -> str:
    if isinstance(value, str):
        return "<![CDATA[" + value.replace("]]>", "]]]]><![CDATA[>") + "]]>"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.6f}"
    return _elements(value)
