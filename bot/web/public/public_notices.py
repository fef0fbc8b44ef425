"""Show the public notices (公示) of a county, a township or a village.

``/notices`` finds the region by name, ``/notices/<region>`` shows its notices, a page at a time. Public, but kept
out of search engines: a household in need stands there for some days and not for ever.
"""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.places.lookup import find_places
from bot.web.pages import Pages
from flows.language.wording import clean
from models.places.region import Region, level_of
from models.verification.public_notice import list_notices

PAGE = 20
LISTED = ("county", "township", "village")
_LONGEST_SEARCH = 60
_LONGEST_NUMBER = 15
# Caches answer a crowd that opens one page, so the database is asked once a minute.
_KEPT = "public, max-age=60"


def public_notices(database: Engine, pages: Pages, clock: Callable[[], datetime]) -> Blueprint:
    blueprint = Blueprint("notices", __name__)

    @blueprint.get("/notices")
    def search() -> Response:
        said = " ".join(clean(request.args.get("q", "")).split())[:_LONGEST_SEARCH]
        with Session(database) as db:
            found = {place.today.code: place.today for place in find_places(db, said)} if said else {}
        regions = [region for code, region in found.items() if level_of(code) in LISTED]
        return _open(pages.show("verification/public_notices_search", said=said, regions=regions, unknown=False))

    @blueprint.get("/notices/<code>")
    def here(code: str) -> Response:
        with Session(database, expire_on_commit=False) as db:
            region = db.get(Region, code) if _is_listed(code) else None
            found = list_notices(db, code, _number(request.args.get("after", "")), PAGE, clock()) if region else None
        if region is None or found is None:
            return _open(pages.show("verification/public_notices_search", 404, said="", regions=[], unknown=True))
        return _open(pages.show("verification/public_notices", region=region, board=found))

    return blueprint


def _is_listed(code: str) -> bool:
    return len(code) == 12 and code.isascii() and code.isdigit() and level_of(code) in LISTED


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else None


def _open(response: Response) -> Response:
    """Allow the response to be cached shortly, and its form to be sent to this site."""
    policy = response.headers["Content-Security-Policy"]
    response.headers["Content-Security-Policy"] = policy.replace("form-action 'none'", "form-action 'self'")
    response.headers["Cache-Control"] = _KEPT if response.status_code == 200 else "no-store"
    return response
