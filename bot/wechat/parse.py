"""Turn the fields of a push into our own ``Message``, for every kind and event, documented or not.

wechatpy's message classes are not used: they do not know the subscription,
authorisation and publish events, give every plain event the id 0, and rename
EventKey on a scanned follow. What they would read is the table below.
"""

import re
from typing import Any

from bot.wechat.markup import Unreadable
from models.people.message import Message, MessageKind, Point

# Field names: developers.weixin.qq.com, "Receiving standard messages" and "Receiving event pushes".
# Fields that are not listed here stay in the Message's ``details``.
_LIFTED: dict[MessageKind, dict[str, str]] = {
    MessageKind.TEXT: {"Content": "text", "bizmsgmenuid": "option_id"},
    MessageKind.IMAGE: {"MediaId": "media_id", "PicUrl": "pic_url"},
    MessageKind.VOICE: {"MediaId": "media_id", "Recognition": "text"},
    MessageKind.VIDEO: {"MediaId": "media_id", "ThumbMediaId": "thumb_media_id"},
    MessageKind.SHORT_VIDEO: {"MediaId": "media_id", "ThumbMediaId": "thumb_media_id"},
    MessageKind.LOCATION: {},
    MessageKind.LINK: {"Title": "title", "Description": "description", "Url": "url"},
    MessageKind.EVENT: {"EventKey": "event_key"},
    MessageKind.UNKNOWN: {},
}
_KINDS = {kind.value: kind for kind in MessageKind}

# In these events FromUserName is the platform, and OpenID is the person.
_ABOUT_A_PERSON = {"user_info_modified", "user_authorization_revoke", "user_authorization_cancellation"}
_SUBSCRIPTIONS = {"subscribe_msg_popup_event", "subscribe_msg_change_event", "subscribe_msg_sent_event"}
_WRAPPERS = ("SubscribeMsgPopupEvent", "SubscribeMsgChangeEvent", "SubscribeMsgSentEvent")

# An openid has 28 of these characters, an account's name about 15, the longest event name about 40.
_NAME = re.compile(r"[\w.@-]{1,64}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,10}")
_MSG_ID = re.compile(r"[0-9]{1,20}")  # 64 bits


def to_message(fields: dict[str, Any]) -> Message:
    """Make a Message of ``fields``, which ``read_xml`` returned and this empties. Raises Unreadable."""
    msg_type = _take(fields, "MsgType", _NAME).lower()
    kind = _KINDS.get(msg_type, MessageKind.UNKNOWN)
    if kind is MessageKind.UNKNOWN:
        fields["MsgType"] = msg_type
    values: dict[str, Any] = {
        "account": _take(fields, "ToUserName", _NAME),
        "openid": _take(fields, "FromUserName", _NAME),
        "created": int(_take(fields, "CreateTime", _SECONDS)),
    }
    values |= {ours: _take(fields, theirs) for theirs, ours in _LIFTED[kind].items()}
    if values.get("media_id") == "":
        raise Unreadable("bad_MediaId")
    if kind is MessageKind.LOCATION:
        values["point"] = _point(fields, "Location_X", "Location_Y")
    if kind is MessageKind.EVENT:
        values |= _event(fields, values["event_key"])
    elif kind is not MessageKind.UNKNOWN or "MsgId" in fields:
        values["msg_id"] = _take(fields, "MsgId", _MSG_ID)
    return Message(kind=kind, details=fields, **values)


def _event(fields: dict[str, Any], event_key: str) -> dict[str, Any]:
    """Return an event's values. ``msg_id`` and ``event_key`` also distinguish a person's events of one second."""
    event = _take(fields, "Event", _NAME).lower()
    values: dict[str, Any] = {"event": event}
    if event in _SUBSCRIPTIONS:
        fields["List"] = items = _items(fields)
        values["msg_id"] = next((item["MsgID"] for item in items if isinstance(item.get("MsgID"), str)), "")
    elif "MsgID" in fields:
        values["msg_id"] = _take(fields, "MsgID", _MSG_ID)
    if event in _ABOUT_A_PERSON:
        values["openid"] = _take(fields, "OpenID", _NAME)
        values["event_key"] = str(fields.get("RevokeInfo", ""))
    elif event == "subscribe":
        values["event_key"] = event_key.removeprefix("qrscene_")
    elif event == "location":
        values["point"] = _point(fields, "Latitude", "Longitude")
    elif event == "location_select":
        chosen = fields.get("SendLocationInfo")
        if not isinstance(chosen, dict):
            raise Unreadable("bad_SendLocationInfo")
        values["point"] = _point(dict(chosen), "Location_X", "Location_Y")
    return values


def _items(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the consents or receipts of a subscription event: one or several, wrapped or not, in any wrapper."""
    holders = [fields, *(holder for name in _WRAPPERS for holder in _many(fields.pop(name, "")))]
    return [item for holder in holders for item in _many(holder.pop("List", ""))]


def _many(found: Any) -> list[dict[str, Any]]:
    """Return a list of items: WeChat writes a list of one as the item itself, and an empty one as ""."""
    items = found if isinstance(found, list) else [found] if found else []
    if not all(isinstance(item, dict) for item in items):
        raise Unreadable("bad_List")
    return items


def _point(fields: dict[str, Any], latitude: str, longitude: str) -> Point:
    label = _take(fields, "Label") or _take(fields, "Poiname")
    return Point(_degrees(fields, latitude, 90), _degrees(fields, longitude, 180), label)


def _degrees(fields: dict[str, Any], name: str, limit: int) -> float:
    try:
        degrees = float(_take(fields, name))
    except ValueError:
        raise Unreadable(f"bad_{name}") from None
    if not -limit <= degrees <= limit:  # also refuses "nan" and "inf"
        raise Unreadable(f"bad_{name}")
    return degrees


def _take(fields: dict[str, Any], name: str, shape: re.Pattern[str] | None = None) -> str:
    """Remove and return a text field: absent is "", which no shape allows; repeated or nested is refused."""
    value = fields.pop(name, "")
    if not isinstance(value, str) or (shape and not shape.fullmatch(value)):
        raise Unreadable(f"bad_{name}")
    return value
