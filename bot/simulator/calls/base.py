"""What every call of the API has in common: how it is asked, and how it is answered."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from bot.simulator.errors import ApiError
from bot.simulator.simulator import Simulator

Answer = dict[str, Any] | Response
OK = {"errcode": 0, "errmsg": "ok"}


@dataclass(frozen=True)
class Call:
    """``quota``: the name of the day's count that it draws on; empty: none. ``open``: needs no access token."""

    method: str
    answer: Callable[[Simulator], Answer]
    quota: str = ""
    open: bool = False


Calls = dict[str, Call]
"""By path, from the root of the platform."""


def body() -> dict[str, Any]:
    """The request's JSON object. Raises ApiError 44002, 47001."""
    raw = request.get_data()
    if not raw:
        raise ApiError(44002)
    try:
        read = json.loads(raw)
    except ValueError as error:
        raise ApiError(47001) from error
    if not isinstance(read, dict):
        raise ApiError(47001)
    return read


def as_json(fields: dict[str, Any]) -> Response:
    return Response(json.dumps(fields, ensure_ascii=False), content_type="application/json; encoding=utf-8")
