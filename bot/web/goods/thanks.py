"""Show a donor the photos with which a household thanks for goods, by the link that a reply gave them.

``/thanks/<token>`` is the page and ``/thanks-photo/<token>`` one photo, whose address only the page holds. Both live
for an hour, and open only for the donor, whom WeChat identifies. Nothing on them says who the household is.
"""

from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.photos.files import PhotoFiles
from bot.web.links import Grant, Links
from bot.web.officer import refuse_in_advance
from bot.web.pages import Pages
from bot.web.photo_file import send_photo
from bot.web.refusals import show_refusals
from bot.web.visitor import IsTheirs, Visitors, VisitRefused
from models.goods.matches.thanking import DonorThanks, donor_of, thanks_for_donor
from models.people.conversation import Conversation

log = structlog.get_logger()


def thanks_page(database: Engine, pages: Pages, links: Links, visitors: Visitors, files: PhotoFiles) -> Blueprint:
    """Serve the page and its photos."""
    blueprint = Blueprint("thanks", __name__)
    show_refusals(blueprint, pages, "goods/thanks_gone")

    @blueprint.get("/thanks/<token>")
    def show(token: str) -> Response:
        grant = links.read("thanks", token)
        answer = refuse_in_advance() or visitors.redirect(request.path, _is_donor(grant.number))
        return answer or _show(database, pages, links, grant)

    @blueprint.get("/thanks-photo/<token>")
    def photo(token: str) -> Response:
        number, _, photo_id = links.read("thanks_photo", token).what.partition(":")
        if visitors.find(_is_donor(int(number))) is None:
            raise VisitRefused("not_yours")
        with Session(database) as db:
            found = thanks_for_donor(db, int(number))
            path = next((one.path for one in found[1].pictures if str(one.id) == photo_id), None) if found else None
        return send_photo(files, path)

    return blueprint


def _show(database: Engine, pages: Pages, links: Links, grant: Grant) -> Response:
    with Session(database) as db:
        found = thanks_for_donor(db, grant.number)
    if found is None:
        return pages.show("goods/thanks_gone", reason="none", again="")
    log.info("thanks.shown", thanks=grant.number)
    return pages.show("goods/thanks", thanks=found[1], shown=_addresses(links, found[1]))


def _addresses(links: Links, thanks: DonorThanks) -> list[str]:
    """Make the paths of the photos: the page may be open under another host than PUBLIC_URL."""
    made = (links.make("thanks_photo", f"{thanks.number}:{photo.id}", 0) for photo in thanks.pictures)
    return [urlsplit(address).path for address in made]


def _is_donor(number: int) -> IsTheirs:
    """Build the condition that a conversation is that of the donor of these thanks."""

    def is_theirs(db: Session, conversation: Conversation) -> bool:
        donor = donor_of(db, number)
        return donor is not None and conversation.user_id == donor

    return is_theirs
