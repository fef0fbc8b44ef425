"""Bound the body of every request: each route that reads one has a size, and the others take none."""

from collections.abc import Mapping

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from bot.web.pages import guarded

log = structlog.get_logger()

# No route takes a longer one. The server's process holds this much of each request at most (bot/web/buffered.py).
LARGEST = 64 * 1024


def limit_bodies(app: Flask, sizes: Mapping[str, int]) -> None:
    """Refuse longer bodies with 413 before any view runs. ``sizes``: the bytes that a rule's POST may have.

    A chunked body states no length; the views that read one do so by ``read_body``, which counts. Raises ValueError
    for a size above LARGEST, which would never arrive."""
    if max(sizes.values(), default=0) > LARGEST:
        raise ValueError(f"a route takes more than {LARGEST} bytes")
    app.config["MAX_CONTENT_LENGTH"] = 0
    app.before_request(lambda: _demand_size(sizes))
    app.register_error_handler(RequestEntityTooLarge, _refuse)


def read_body(most: int) -> bytes:
    """Read the body, also a chunked one. Raises RequestEntityTooLarge past ``most`` bytes."""
    request.max_content_length = most + 1  # Flask cuts at this and says nothing: one byte more shows it
    body = request.get_data(cache=False)
    if len(body) > most:
        raise RequestEntityTooLarge
    return body


def _demand_size(sizes: Mapping[str, int]) -> None:
    rule = request.url_rule.rule if request.url_rule else ""
    most = sizes.get(rule, 0) if request.method == "POST" else 0
    is_chunked = "Transfer-Encoding" in request.headers
    if (request.content_length or 0) > most or (is_chunked and not most):
        raise RequestEntityTooLarge


def _refuse(_: RequestEntityTooLarge) -> Response:
    log.warning("body.too_long", method=request.method)
    return guarded(Response(status=413))
