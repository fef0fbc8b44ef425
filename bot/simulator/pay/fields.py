"""Reading the fields of a request. Each reader raises PayError PARAM_ERROR with the field's name."""

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

from bot.simulator.pay.errors import PayError

CURRENCY = "CNY"


def wrong(name: str, why: str) -> PayError:
    return PayError("PARAM_ERROR", f"{name}: {why}")


def text(given: dict[str, Any], name: str, most: int, required: bool = True, form: str = "") -> str:
    """``most``: characters. ``form``: a pattern that all of it must match."""
    value = given.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value):
        raise wrong(name, "a text is required")
    if len(value) > most:
        raise wrong(name, f"at most {most} characters")
    if form and not re.fullmatch(form, value, re.ASCII):
        raise wrong(name, "characters or length not allowed")
    return value


def part(given: dict[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name)
    if not isinstance(value, dict):
        raise wrong(name, "an object is required")
    return value


def fen(amount: dict[str, Any], name: str) -> int:
    """A whole number, at least 1."""
    value = amount.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(f"amount.{name}", "a whole number of fen is required")
    if value < 1:
        raise wrong(f"amount.{name}", "at least 1")
    return value


def truth(given: Any, name: str) -> bool:
    """True or false; left out, it is false."""
    if not isinstance(given, dict) or not isinstance(given.get(name, False), bool):
        raise wrong(name, "true or false is required")
    return bool(given.get(name, False))


def currency(amount: dict[str, Any], required: bool = False) -> None:
    if amount.get("currency", None if required else CURRENCY) != CURRENCY:
        raise wrong("amount.currency", f"{CURRENCY} is required")


def notify_url(given: dict[str, Any], most: int, http_on_loopback: bool, required: bool = True) -> str:
    """https, without a query; http to this machine only where the simulator is set to take it."""
    url = text(given, "notify_url", most, required)
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise wrong("notify_url", "not a URL") from error
    if not host or parts.query or parts.fragment or "?" in url or "#" in url:
        raise wrong("notify_url", "a full URL without parameters is required")
    if parts.scheme != "https" and not (parts.scheme == "http" and http_on_loopback and _is_loopback(host)):
        raise wrong("notify_url", "https is required")
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
