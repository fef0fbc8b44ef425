"""Show a seller the photos with which a buyer said what was wrong with an order, by the link that a reply gave them.

``/order-photos/<token>`` is the page and ``/order-photo/<token>`` one photo, whose address only the page holds. Both
live for an hour, and open only for the seller, whom WeChat identifies, while the after-sale is open. Each look is
recorded, and stands in the buyer's access log.
"""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.photos.files import PhotoFiles
from bot.web.links import Links
from bot.web.officer import is_looked_at, refuse_in_advance
from bot.web.pages import Pages
from bot.web.photo_file import send_photo
from bot.web.refusals import show_refusals
from bot.web.visitor import IsTheirs, Visitors, VisitRefused
from models.market.after_sales.showing import BuyersPhotos, photos_for_seller, record_look, seller_of
from models.people.conversation import Conversation

log = structlog.get_logger()


def after_sale_photos(
    database: Engine,
    pages: Pages,
    links: Links,
    visitors: Visitors,
    files: PhotoFiles,
    clock: Callable[[], datetime],
) -> Blueprint:
    """Serve the page and its photos."""
    blueprint = Blueprint("after_sale_photos", __name__)
    show_refusals(blueprint, pages, "market/after_sale_photos_gone")

    @blueprint.get("/order-photos/<token>")
    def show(token: str) -> Response:
        number = links.read("order_photos", token).number
        answer = refuse_in_advance() or visitors.redirect(request.path, _is_seller(number))
        return answer or look(number)

    def look(number: int) -> Response:
        with Session(database) as db, db.begin():
            found = photos_for_seller(db, number)
            if found is None:
                raise VisitRefused("none", 410)
            page = pages.show("market/after_sale_photos", found=found, shown=_addresses(links, found))
            if is_looked_at():
                record_look(db, number, clock())
        log.info("after_sale_photos.shown", after_sale=number)
        return page

    @blueprint.get("/order-photo/<token>")
    def photo(token: str) -> Response:
        number, _, photo_id = links.read("order_photo", token).what.partition(":")
        if visitors.find(_is_seller(int(number))) is None:
            raise VisitRefused("not_yours")
        with Session(database) as db:
            found = photos_for_seller(db, int(number))
            path = next((one.path for one in found.pictures if str(one.id) == photo_id), None) if found else None
        return send_photo(files, path)

    return blueprint


def _addresses(links: Links, found: BuyersPhotos) -> list[str]:
    """Make the paths of the photos: the page may be open under another host than PUBLIC_URL."""
    made = (links.make("order_photo", f"{found.number}:{photo.id}", 0) for photo in found.pictures)
    return [urlsplit(address).path for address in made]


def _is_seller(number: int) -> IsTheirs:
    """Build the condition that a conversation is that of the seller of this after-sale's order."""

    def is_theirs(db: Session, conversation: Conversation) -> bool:
        seller = seller_of(db, number)
        return seller is not None and conversation.user_id == seller

    return is_theirs
