"""Show an officer the pictures of a thing, by the link that a reply gave them and that opens for nobody else.

``/pictures/<token>`` is the page, and each opening goes into the access log; ``/picture/<token>`` is one picture,
whose address only the page holds.
"""

import structlog
from flask import Blueprint, Response

from bot.web.gallery import Galleries
from bot.web.officer import is_looked_at, is_seat, refuse_in_advance
from bot.web.pages import Pages
from bot.web.refusals import show_refusals
from bot.web.visitor import Visitors, VisitRefused
from models.oversight.pictures import NotForYou

log = structlog.get_logger()


def pictures(pages: Pages, visitors: Visitors, galleries: Galleries) -> Blueprint:
    """Make the routes."""
    blueprint = Blueprint("pictures", __name__)
    show_refusals(blueprint, pages, "oversight/pictures_gone")

    @blueprint.get("/pictures/<token>")
    def show(token: str) -> Response:
        grant = galleries.links.read("pictures", token)
        if answer := refuse_in_advance() or visitors.redirect(f"/pictures/{token}", is_seat(grant.staff_id)):
            return answer
        opened = galleries.open(grant.staff_id, grant.what)
        page = pages.show("oversight/pictures", gallery=opened.gallery, shown=opened.shown)
        if is_looked_at():
            galleries.record(opened, grant.staff_id)
        return page

    @blueprint.get("/picture/<token>")
    def one(token: str) -> Response:
        grant = galleries.links.read("picture", token)
        if visitors.find(is_seat(grant.staff_id)) is None:
            raise VisitRefused("not_yours")
        return galleries.one(grant)

    @blueprint.errorhandler(NotForYou)
    def not_yours(_: NotForYou) -> Response:
        log.warning("page.refused", page="pictures", reason="not_in_charge")
        return pages.show("oversight/pictures_gone", 403, reason="not_in_charge", again="")

    return blueprint
