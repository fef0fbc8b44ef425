"""Reads what the page's forms send; raises BadRequest for what the page never sends."""

import json
import re

from flask import request

REF_LENGTH = 40
MOST_CHOICES = 5  # templates in one popup


class BadRequest(ValueError):
    """The page sent something that it never sends."""


def text(name: str, default: str | None = None) -> str:
    value = request.form.get(name, default)
    if value is None or (default is None and not value):
        raise BadRequest(name)
    return value.replace("\r\n", "\n")


def ref() -> str:
    return text("ref", "")[:REF_LENGTH]


def path() -> tuple[int, ...]:
    """The third sub-button of the first button is written 0.2; nothing written: no button."""
    written = text("button", "")
    if not re.fullmatch(r"(\d(\.\d)?)?", written, re.ASCII):
        raise BadRequest("button")
    return tuple(int(part) for part in written.split(".") if part)


def number(name: str, least: float, most: float, default: float | None = None) -> float:
    """Also refuses NaN, which is neither below nor above anything."""
    if default is not None and not request.form.get(name):
        return default
    value = request.form.get(name, type=float)
    if value is None or not least <= value <= most:
        raise BadRequest(name)
    return value


def whole(name: str, least: int, most: int, default: int | None = None) -> int:
    value = number(name, least, most, default)
    if value != int(value):
        raise BadRequest(name)
    return int(value)


def choices(name: str) -> dict[str, bool]:
    """One to five names, each with yes or no, written as JSON."""
    try:
        read = json.loads(text(name))
    except ValueError as error:
        raise BadRequest(name) from error
    if not isinstance(read, dict) or not all(isinstance(value, bool) for value in read.values()):
        raise BadRequest(name)
    if not 1 <= len(read) <= MOST_CHOICES:
        raise BadRequest(name)
    return read


def fields(written: str) -> dict[str, str]:
    """An object, written as JSON; what is no text in it is left out."""
    try:
        read = json.loads(written)
    except ValueError as error:
        raise BadRequest("request") from error
    if not isinstance(read, dict):
        raise BadRequest("request")
    return {name: value for name, value in read.items() if isinstance(value, str)}


def file(name: str) -> bytes:
    sent = request.files.get(name)
    if sent is None:
        raise BadRequest(name)
    return bytes(sent.read())
