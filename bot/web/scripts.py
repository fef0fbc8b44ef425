"""Serve scripts under names that hold the hash of their content, so that caches may keep them for a year.

Pages name them by ``Script.path``. Browsers that take gzip get it, packed once in a process.
"""

import gzip
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path

from flask import Blueprint, Response, request

from bot.web.pages import guarded
from bot.words.render import TEMPLATES

ECHARTS = TEMPLATES / "vendor" / "echarts" / "echarts.min.js"
_KEPT = "public, max-age=31536000, immutable"


class Script:
    """A script, called ``name``, and the path at which it is served."""

    def __init__(self, name: str, body: bytes) -> None:
        self.body = body
        self.name = f"{name}-{sha256(body).hexdigest()[:16]}.js"
        self.path = f"/scripts/{self.name}"


@cache
def script_file(path: Path, name: str) -> Script:
    """Read a script of others, which is served as it is."""
    return Script(name, path.read_bytes())


def scripts(served: Iterable[Script]) -> Blueprint:
    """Make the route ``/scripts/<name>``; a name of another version than today's is not found."""
    blueprint, by_name = Blueprint("scripts", __name__), {script.name: script for script in served}

    @blueprint.get("/scripts/<name>")
    def show(name: str) -> Response:
        script = by_name.get(name)
        if script is None:
            return guarded(Response(status=404))
        packs = request.accept_encodings.quality("gzip") > 0
        response = Response(_packed(script.body) if packs else script.body, mimetype="text/javascript")
        if packs:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = _KEPT
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return blueprint


@cache
def _packed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)
