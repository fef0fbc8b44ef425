"""Show everybody an appeal's page that its owner agreed to.

``/a/<number>`` is public and the same bytes for everybody, as is its sheet to print, ``/a/<number>/poster``. Caches
keep them for a minute and this process for some seconds (bot.web.public.kept), so that a page that is closed is gone
everywhere after at most GONE_WITHIN.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from flask import Blueprint, Response, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.web.links import Links
from bot.web.pages import Pages
from bot.web.public.kept import KEPT_FOR, KeptPages
from bot.web.qr import drawn, picture_address
from bot.web.scripts import Script
from models.public.appeal_code import find_code
from models.public.appeal_page import Standing, standing
from models.public.page_view import read_page

MAX_AGE = timedelta(seconds=60)
GONE_WITHIN = MAX_AGE + KEPT_FOR
_LONGEST_NUMBER = 15


@dataclass(frozen=True, slots=True)
class Sharing:
    """The script that gives a shared page its card (bot.web.public.share), and where it gets WeChat's JS-SDK, inside
    WeChat alone.
    """

    script: Script
    sdk: str

    @property
    def policy(self) -> str:
        """Return what the page's policy allows besides."""
        source = urlsplit(self.sdk)
        return f"; connect-src 'self'; script-src 'self' {source.scheme}://{source.netloc}"


def appeal_page(
    database: Engine, pages: Pages, links: Links, kept: KeptPages, sharing: Sharing, *, collects: bool
) -> Blueprint:
    """Serve ``/a/<number>`` and its sheet: 410 for a page that is closed, 404 where there never was one.

    ``collects``: the page leads to the one at which a follower gives (bot.web.payments.give).
    """
    blueprint = Blueprint("appeal_page", __name__)

    def render(name: str, number: int, now: datetime) -> Response:
        with Session(database) as db:
            found = standing(db, number, now)
            if found is not Standing.OPEN:
                status = 410 if found is Standing.CLOSED else 404
                return cacheable(pages.show("public/appeal_gone", status, was=found is Standing.CLOSED))
            page, code = read_page(db, number, now, is_open=True), find_code(db, number, now)
        address = links.open("appeal", str(number))
        if name == "sheet":
            return cacheable(pages.show("public/poster", page=page, code=drawn(address), now=now))
        ways = {"code": picture_address(code) if code else "", "give": f"/give/{number}" if collects else ""}
        said = {"page": page, "address": address, "photos": (), "aloud": False, "now": now}
        response = pages.show("public/appeal", sharing=sharing, **said, **ways)
        response.headers["Content-Security-Policy"] += sharing.policy
        return cacheable(response)

    def send(name: str, said: str) -> Response:
        number = page_number(said)
        if number is None:
            return pages.show("public/appeal_gone", 404, was=False)
        response = kept.get((name, number), lambda now: render(name, number, now)).response()
        if response.status_code == 200:
            response.make_conditional(request)
        return response

    @blueprint.get("/a/<said>")
    def show(said: str) -> Response:
        return send("page", said)

    @blueprint.get("/a/<said>/poster")
    def sheet(said: str) -> Response:
        """Show what is printed for the village's board: its code is the page's address, which does not end."""
        return send("sheet", said)

    return blueprint


def page_number(said: str) -> int | None:
    """Read the number as the address has it: other ways to write it are no address."""
    plain = said.isascii() and said.isdigit() and len(said) <= _LONGEST_NUMBER
    return int(said) if plain and not said.startswith("0") else None


def cacheable(response: Response) -> Response:
    """Allow caches to keep a page, open or closed, for MAX_AGE; one that was never there is not kept."""
    if response.status_code != 404:
        response.headers["Cache-Control"] = f"public, max-age={int(MAX_AGE.total_seconds())}"
    return response
