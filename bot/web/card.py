"""Show the card that an officer prints for a person without a phone; its QR code binds their own WeChat later."""

from collections.abc import Callable
from datetime import datetime

import structlog
from flask import Blueprint, Response, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.web.links import Grant, Links
from bot.web.officer import is_looked_at, is_seat, refuse_in_advance
from bot.web.pages import Pages
from bot.web.qr import drawn
from bot.web.refusals import show_refusals
from bot.web.visitor import Visitors, VisitRefused
from models.core.audit_trail import record_reading
from models.people.user import User
from models.proxy.card import Card
from models.staff.member import Staff

log = structlog.get_logger()


def card_page(
    database: Engine, pages: Pages, links: Links, visitors: Visitors, clock: Callable[[], datetime]
) -> Blueprint:
    """Serve ``/cards/<token>`` for one officer, for a quarter of an hour. Each opening goes into the access log."""
    blueprint = Blueprint("card", __name__)
    show_refusals(blueprint, pages, "proxy/card_gone")

    @blueprint.get("/cards/<token>")
    def show(token: str) -> Response:
        grant = links.read("card", token)
        if answer := refuse_in_advance() or visitors.redirect(request.path, is_seat(grant.staff_id)):
            return answer
        with Session(database) as db, db.begin():
            return _show(db, pages, grant, clock())

    return blueprint


def _show(db: Session, pages: Pages, grant: Grant, now: datetime) -> Response:
    """Show the card if the officer may see it now: they may have lost their seat since the link was made.

    Raises VisitRefused.
    """
    card = db.get(Card, int(grant.what.partition(":")[2]))
    staff = db.get(Staff, grant.staff_id)
    user = db.get(User, card.user_id) if card else None
    if card is None or staff is None or user is None:
        raise VisitRefused("not_in_charge")
    if not (staff.is_serving(now) and staff.covers(user.region_code or "")):
        raise VisitRefused("not_in_charge")
    if card.code is None:
        raise VisitRefused("used")
    code = drawn(card.qr_url) if card.qr_url else None
    page = pages.show("proxy/card", name=user.masked_name, code=code, until=card.qr_until)
    if is_looked_at():
        who, number = staff.actor.name, card.id
        record_reading(db, at=now, actor=who, subject="card", subject_id=number, purpose="proxy", about=user.id)
    log.info("card.shown", card=card.id, staff=staff.id)
    return page
