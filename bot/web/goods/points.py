"""Show officers the printable list of a handover point, and the card by which a household without a phone collects.

Each page opens for the officer alone whose link it is, for a quarter of an hour, and each opening is recorded.
"""

from collections.abc import Callable
from datetime import datetime

import structlog
from flask import Blueprint, Response, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.web.links import Grant, Links
from bot.web.officer import is_looked_at, is_seat, refuse_in_advance
from bot.web.pages import Pages
from bot.web.refusals import show_refusals
from bot.web.visitor import Visitors, VisitRefused
from models.core.audit_trail import record_reading
from models.core.refusal import Refusal
from models.goods.points.board import COMING, LYING, find_visible, list_parcels, list_shelves
from models.goods.points.card_page import open_card
from models.staff.member import Staff

log = structlog.get_logger()

# A printed list has as many lines as a keeper reads; of a fuller point the oldest come first.
MOST_LINES = 200


def points_pages(
    database: Engine, pages: Pages, links: Links, visitors: Visitors, clock: Callable[[], datetime]
) -> Blueprint:
    """Serve ``/points/<token>`` and ``/collect/<token>``."""
    blueprint = Blueprint("points", __name__)
    show_refusals(blueprint, pages, "goods/point_gone")

    def opened(kind: str, token: str, show: Callable[[Session, Staff, Grant], Response]) -> Response:
        """Show the page to the officer whom its link names, if they serve. Raises DeadLink or VisitRefused."""
        grant = links.read(kind, token)
        if answer := refuse_in_advance() or visitors.redirect(request.path, is_seat(grant.staff_id)):
            return answer
        with Session(database) as db, db.begin():
            staff = db.get(Staff, grant.staff_id)
            if staff is None or not staff.is_serving(clock()):
                raise VisitRefused("not_in_charge")
            try:
                return show(db, staff, grant)
            except Refusal:
                raise VisitRefused("not_in_charge") from None

    def show_list(db: Session, staff: Staff, grant: Grant) -> Response:
        point = find_visible(db, staff, grant.number)
        coming = list_parcels(db, point.id, COMING, 0, MOST_LINES)
        lying = list_parcels(db, point.id, LYING, 0, MOST_LINES)
        shelves = list_shelves(db, point.id, MOST_LINES)
        page = pages.show("goods/point", point=point, coming=coming, lying=lying, shelves=shelves, now=clock())
        if is_looked_at():
            who = staff.actor.name
            record_reading(db, at=clock(), actor=who, subject="point", subject_id=point.id, purpose="list")
        log.info("point.shown", point=point.id, staff=staff.id)
        return page

    def show_card(db: Session, staff: Staff, grant: Grant) -> Response:
        card = open_card(db, staff, grant.number)
        page = pages.show("goods/collection_card", card=card)
        if is_looked_at():
            who, number = staff.actor.name, card.match
            record_reading(
                db, at=clock(), actor=who, subject="match", subject_id=number, purpose="proxy", about=card.owner
            )
        log.info("collection_card.shown", match=card.match, staff=staff.id)
        return page

    @blueprint.get("/points/<token>")
    def point(token: str) -> Response:
        return opened("point", token, show_list)

    @blueprint.get("/collect/<token>")
    def collect(token: str) -> Response:
        return opened("collection_card", token, show_card)

    return blueprint
