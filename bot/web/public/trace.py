"""Show where one gift's money is, for a reader who has the gift's code: to read, to print, and to check from paper.

``/trace`` takes a code, ``/trace/<code>`` shows the gift, with a QR code of the page itself. It names no person.
Codes cannot be guessed: all wrong ones are answered alike, and at most MOST_TRIES an hour from one address.
"""

from collections.abc import Callable

from flask import Blueprint, Response, redirect, request, url_for
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.web.pages import Pages
from bot.web.qr import drawn
from bot.web.rate_limit import RateLimit
from flows.readers.words.gift_code import GiftCode, read_code
from models.donors.trace import Trace, find_trace

MOST_TRIES = 30


def trace_page(database: Engine, pages: Pages, tries: RateLimit, address: Callable[[str], str]) -> Blueprint:
    """Make the routes. ``address``: code -> the whole address of its page, for the QR code."""
    blueprint = Blueprint("trace", __name__)

    @blueprint.get("/trace")
    def search() -> Response:
        said = request.args.get("code", "")
        code = read_code(said)
        if said and code.fits:
            return _moved(code)
        return _asked(pages, 400 if said else 200, code if said else None)

    @blueprint.get("/trace/<said>")
    def show(said: str) -> Response:
        code = read_code(said)
        if tries.used_up(request):
            return _asked(pages, 429, code, "too_many")
        if not code.fits:
            return _asked(pages, 404, code)
        if said != code.read:
            return _moved(code)
        found = _find(database, code)
        if found is None:
            tries.count(request)
            return _asked(pages, 404, code, "unknown")
        return _open(pages.show("donors/trace", trace=found, code=drawn(address(found.code))))

    return blueprint


def _find(database: Engine, code: GiftCode) -> Trace | None:
    with Session(database) as db:
        return find_trace(db, code.read)


def _moved(code: GiftCode) -> Response:
    """Redirect to the address with the code in its standard form."""
    response: Response = redirect(url_for("trace.show", said=code.read), 302, Response)  # type: ignore[assignment]
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _asked(pages: Pages, status: int, code: GiftCode | None, why: str = "misread") -> Response:
    return _open(pages.show("donors/trace_search", status, code=code, why=why if code else ""))


def _open(response: Response) -> Response:
    """Allow the page's form to be sent to this site."""
    policy = response.headers["Content-Security-Policy"]
    response.headers["Content-Security-Policy"] = policy.replace("form-action 'none'", "form-action 'self'")
    return response
