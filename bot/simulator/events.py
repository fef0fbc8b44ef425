"""The events that the platform posts: what a person does without writing, and what the platform reports."""

from collections.abc import Sequence

from bot.simulator.envelope import Content, Fields


def _event(
    name: str, fields: Fields = (), key: str | None = None, answerable: bool = True, sender: str = ""
) -> Content:
    key_field = [] if key is None else [("EventKey", key)]
    return Content("event", [("Event", name), *key_field, *fields], name, key or "", answerable, sender)


def subscribe(scene: str = "", ticket: str = "") -> Content:
    """``scene``: the scanned code that led to the follow."""
    if scene:
        return _event("subscribe", [("Ticket", ticket)], key=f"qrscene_{scene}")
    return _event("subscribe", key="")


def unsubscribe() -> Content:
    return _event("unsubscribe", key="", answerable=False)


def scan(scene: str, ticket: str) -> Content:
    """A follower scans the account's code."""
    return _event("SCAN", [("Ticket", ticket)], key=scene)


def report_location(latitude: float, longitude: float, precision: float) -> Content:
    where = [("Latitude", latitude), ("Longitude", longitude), ("Precision", precision)]
    return _event("LOCATION", where, answerable=False)


def click(key: str) -> Content:
    return _event("CLICK", key=key)


def view(url: str, menu_id: int) -> Content:
    return _event("VIEW", [("MenuId", menu_id)], key=url, answerable=False)


def view_miniprogram(page_path: str, menu_id: int) -> Content:
    return _event("view_miniprogram", [("MenuId", menu_id)], key=page_path, answerable=False)


def scancode(name: str, key: str, result: str) -> Content:
    """``name``: scancode_push or scancode_waitmsg; only the second waits for an answer."""
    info = [("ScanType", "qrcode"), ("ScanResult", result)]
    return _event(name, [("ScanCodeInfo", info)], key=key, answerable=name == "scancode_waitmsg")


def pictures(name: str, key: str, checksums: Sequence[str]) -> Content:
    """``name``: pic_sysphoto, pic_photo_or_album or pic_weixin; each picture follows as its own message."""
    items = [("item", [("PicMd5Sum", checksum)]) for checksum in checksums]
    info = [("Count", len(checksums)), ("PicList", items)]
    return _event(name, [("SendPicsInfo", info)], key=key, answerable=False)


def location_select(key: str, latitude: float, longitude: float, label: str, scale: int = 15) -> Content:
    """The place follows as its own message."""
    where = [("Location_X", str(latitude)), ("Location_Y", str(longitude)), ("Scale", str(scale))]
    info = [*where, ("Label", label), ("Poiname", "")]
    return _event("location_select", [("SendLocationInfo", info)], key=key, answerable=False)


def template_sent(msg_id: int, status: str = "success") -> Content:
    return _event("TEMPLATESENDJOBFINISH", [("MsgID", msg_id), ("Status", status)], answerable=False)


def mass_sent(msg_id: int, total: int, sent: int, status: str = "send success") -> Content:
    counts = [("TotalCount", total), ("FilterCount", total), ("SentCount", sent), ("ErrorCount", total - sent)]
    return _event("MASSSENDJOBFINISH", [("MsgID", msg_id), ("Status", status), *counts], answerable=False)


def consent(name: str, choices: Sequence[tuple[str, str]], wrapped: bool = True) -> Content:
    """``name``: subscribe_msg_popup_event or subscribe_msg_change_event; ``choices``: (template id, accept or reject).

    The platform has been seen to send the rows both wrapped in an element named after the event, and bare.
    """
    popup = [("PopupScene", "1")] if name == "subscribe_msg_popup_event" else []
    rows = [
        ("List", [("TemplateId", template_id), ("SubscribeStatusString", choice), *popup])
        for template_id, choice in choices
    ]
    return _event(name, [(_camel(name), rows)] if wrapped else rows, answerable=False)


def subscription_sent(template_id: str, msg_id: int, error_code: int = 0, error_status: str = "success") -> Content:
    row = [("TemplateId", template_id), ("MsgID", msg_id), ("ErrorCode", error_code), ("ErrorStatus", error_status)]
    name = "subscribe_msg_sent_event"
    return _event(name, [(_camel(name), [("List", row)])], answerable=False)


def privacy(name: str, openid: str, app_id: str, platform: str, revoke_info: str = "") -> Content:
    """user_info_modified, user_authorization_revoke, user_authorization_cancellation: the platform is the sender."""
    revoked = [("RevokeInfo", revoke_info)] if revoke_info else []
    return _event(name, [("OpenID", openid), ("AppID", app_id), *revoked], answerable=False, sender=platform)


def published(publish_id: str, status: int = 0) -> Content:
    info = [("publish_id", publish_id), ("publish_status", status)]
    return _event("PUBLISHJOBFINISH", [("PublishEventInfo", info)], answerable=False)


def _camel(name: str) -> str:
    """subscribe_msg_popup_event -> SubscribeMsgPopupEvent, the element that wraps its list."""
    return "".join(part.capitalize() for part in name.split("_"))
