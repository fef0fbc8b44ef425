"""Tell from a request which kind of browser it is, for the chat to name it: as little as helps to know one's own."""

from ipaddress import ip_address

from flask import Request

from bot.web.caller import address_of, is_inside
from models.desk.sign_in import Device

# What stands in a User-Agent -> our name for it; the first that is found, since most name several.
_BROWSERS = {"MicroMessenger": "wechat", "Edg": "edge", "Firefox": "firefox", "Chrome": "chrome", "Safari": "safari"}
_SYSTEMS = {"Android": "android", "iPhone": "ios", "iPad": "ios", "Windows": "windows", "Mac OS": "mac"}
_SYSTEMS |= {"Linux": "linux"}


def device_of(request: Request) -> Device:
    """Read the headers, which anybody can send: they help the officer to notice, and prove nothing."""
    agent = request.headers.get("User-Agent", "")
    return Device(_first(_BROWSERS, agent), _first(_SYSTEMS, agent), _network(request))


def is_in_wechat(request: Request) -> bool:
    """Tell whether the browser says that it is WeChat's own on a phone, where an officer signs in without a scan."""
    agent = request.headers.get("User-Agent", "")
    return "MicroMessenger" in agent and _first(_SYSTEMS, agent) in ("android", "ios")


def _first(names: dict[str, str], agent: str) -> str:
    return next((name for said, name in names.items() if said in agent), "other")


def _network(request: Request) -> str:
    """Return the first half of an address from outside: an officer knows their own, and it identifies no person."""
    if is_inside(request):
        return ""
    try:
        address = ip_address(address_of(request).partition("/")[0])
    except ValueError:
        return ""
    if address.version == 6:
        return ":".join(address.exploded.split(":")[:2]) + ":*"
    return ".".join(str(address).split(".")[:2]) + ".*.*"
