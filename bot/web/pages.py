"""Render every web page in the shared style, with headers that say what browsers may do with it.

Templates are templates/pages/ROOM/NAME.html. By default a page has no script, and is not stored, framed, indexed or
named to other sites. The one style is allowed by its hash.
"""

from base64 import b64encode
from hashlib import sha256
from typing import Any

from flask import Response

from bot.words.render import Renderer

BARE = "default-src 'none'; base-uri 'none'; form-action 'none'"


class Pages:
    """The renderer of pages. ``framed_by``: the one origin that may frame our pages (the simulator's), if any."""

    def __init__(self, renderer: Renderer, framed_by: str = "'none'") -> None:
        self._env = renderer.env
        style = self._env.get_template("pages/shared/style.css").render()
        digest = b64encode(sha256(style.encode()).digest()).decode()
        self._policy = f"{BARE}; style-src 'sha256-{digest}'; img-src 'self' data:; frame-ancestors {framed_by}"

    def show(self, name: str, status: int = 200, /, **values: Any) -> Response:
        """Render a page of templates/pages/ with the guarding headers. A missing value raises."""
        words = self._env.get_template(f"pages/{name}.html").render(values)
        return guarded(Response(words, status, mimetype="text/html"), self._policy)

    def words(self, name: str) -> Any:
        """Return what a shared template defines: its macros and sets, by their names."""
        return self._env.get_template(name).module

    def file(self, name: str) -> str:
        """Return the text of a file served beside the pages, such as a script."""
        return self._env.get_template(f"pages/{name}").render()


def guarded(response: Response, policy: str = f"{BARE}; sandbox") -> Response:
    """Set the headers of a private response: not stored, not indexed, and its address not sent as a referrer."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = policy
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
