"""How every web page of ours goes out: in the shared style, and with what browsers may do with it.

Its words are templates/pages/ROOM/NAME.html.

No page has a script but the one with WeChat's button (bot/web/subscribe.py), and none is kept, framed, searched or
told to others. The one style is allowed by its hash.
"""

from base64 import b64encode
from hashlib import sha256
from typing import Any

from flask import Response

from bot.words.render import Renderer

BARE = "default-src 'none'; base-uri 'none'; form-action 'none'"


class Pages:
    """``framed_by``: the one origin that may show our pages inside its own (the stand-in's phones), if any."""

    def __init__(self, renderer: Renderer, framed_by: str = "'none'") -> None:
        self._env = renderer.env
        style = self._env.get_template("pages/shared/style.css").render()
        digest = b64encode(sha256(style.encode()).digest()).decode()
        self._policy = f"{BARE}; style-src 'sha256-{digest}'; img-src 'self' data:; frame-ancestors {framed_by}"

    def show(self, name: str, status: int = 200, /, **values: Any) -> Response:
        """A page of templates/pages/, hardened. A missing value raises."""
        words = self._env.get_template(f"pages/{name}.html").render(values)
        return guarded(Response(words, status, mimetype="text/html"), self._policy)

    def file(self, name: str) -> str:
        """What goes out beside the pages as it stands, a script."""
        return self._env.get_template(f"pages/{name}").render()


def guarded(response: Response, policy: str = f"{BARE}; sandbox") -> Response:
    """For one pair of eyes: not stored, not found by a search, and its address told to nobody."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = policy
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
