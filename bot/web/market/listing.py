"""Show everybody a listing's page: its photos, price, who grows it, how it is ordered and who gets the money.

``/l/<number>`` is public and the same bytes for everybody, kept by caches as an appeal's page is (bot.web.public).
"""

from datetime import datetime

from flask import Blueprint, Response, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.web.links import Links
from bot.web.pages import Pages
from bot.web.public.appeal import Sharing, cacheable, page_number
from bot.web.public.kept import KeptPages
from bot.web.qr import picture_address
from flows.language.lexicon import Lexicon
from flows.market.orders.buy import is_fresh
from models.public.appeal_code import LISTINGS, find_code
from models.public.appeal_page import Standing
from models.public.listing_page import read_listing_page, standing


def listing_page(
    database: Engine, pages: Pages, links: Links, kept: KeptPages, sharing: Sharing, lexicon: Lexicon
) -> Blueprint:
    """Serve ``/l/<number>``: 410 while it is not on sale, 404 where nothing ever was."""
    blueprint = Blueprint("listing_page", __name__)

    def render(number: int, now: datetime) -> Response:
        with Session(database) as db:
            found = standing(db, number)
            if found is not Standing.OPEN:
                was = found is Standing.CLOSED
                return cacheable(pages.show("market/listing_gone", 410 if was else 404, was=was))
            page = read_listing_page(db, number, now)
            code = find_code(db, number, now, LISTINGS)
        said = {
            "page": page,
            "fresh": is_fresh(lexicon, page.item.kind, page.item.name),
            "address": links.open("listing", str(number)),
            "code": picture_address(code) if code else "",
            "sharing": sharing,
        }
        response = pages.show("market/listing", **said)
        response.headers["Content-Security-Policy"] += sharing.policy
        return cacheable(response)

    @blueprint.get("/l/<said>")
    def show(said: str) -> Response:
        number = page_number(said)
        if number is None:
            return pages.show("market/listing_gone", 404, was=False)
        response = kept.get(("listing", number), lambda now: render(number, now)).response()
        if response.status_code == 200:
            response.make_conditional(request)
        return response

    return blueprint
