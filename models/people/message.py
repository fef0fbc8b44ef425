"""Define the inbound message: one shape for every kind of message and event.

The channel makes it, handlers and flows read it. Field facts: WeChat's message
and event pages; kinds that this program does not know keep their raw fields in
``details`` under ``Kind.UNKNOWN`` or an unknown ``event`` name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from typing import Any


class MessageKind(StrEnum):
    TEXT = "text"
    IMAGE = "image"
    VOICE = "voice"
    VIDEO = "video"
    SHORT_VIDEO = "shortvideo"
    LOCATION = "location"
    LINK = "link"
    EVENT = "event"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the map (degrees, GCJ-02 as WeChat sends it) with the words WeChat wrote beside it."""

    latitude: float
    longitude: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """``created`` is WeChat's CreateTime in epoch seconds; ``text`` is the Content, or a voice's recognition."""

    kind: MessageKind
    account: str
    openid: str
    created: int
    msg_id: str = ""
    text: str = ""
    media_id: str = ""
    thumb_media_id: str = ""
    pic_url: str = ""
    url: str = ""
    title: str = ""
    description: str = ""
    point: Point | None = None
    event: str = ""
    """Lower-case event name: ``subscribe``, ``click`` …; empty for messages."""
    event_key: str = ""
    option_id: str = ""
    """``bizmsgmenuid`` of a tapped msgmenu option."""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Identify the message (32 hex digits): every delivery of it has the same key, no other message has.

        MsgId alone has collided across people, and events carry none, so the
        person and the time are always part of it.
        """
        parts = (self.account, self.openid, str(self.created), self.msg_id, self.event, self.event_key)
        return blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()
