"""Show a donor the labels of their parcels: the point's address, its keeper's work phone, and the parcels' codes.

The link lives for an hour, and opens only for the donor, whom WeChat identifies. No label says anything of a household.
"""

import structlog
from flask import Blueprint, Response, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.web.links import Grant, Links
from bot.web.officer import refuse_in_advance
from bot.web.pages import Pages
from bot.web.refusals import show_refusals
from bot.web.visitor import IsTheirs, Visitors
from models.goods.matches.labels import donor_of, labels_for
from models.people.conversation import Conversation

log = structlog.get_logger()


def parcel_page(database: Engine, pages: Pages, links: Links, visitors: Visitors) -> Blueprint:
    """Serve ``/parcels/<token>`` for one donor, for an hour."""
    blueprint = Blueprint("parcel", __name__)
    show_refusals(blueprint, pages, "goods/parcel_gone")

    @blueprint.get("/parcels/<token>")
    def show(token: str) -> Response:
        grant = links.read("parcel", token)
        answer = refuse_in_advance() or visitors.redirect(request.path, _is_donor(grant))
        return answer or _show(database, pages, grant)

    return blueprint


def _show(database: Engine, pages: Pages, grant: Grant) -> Response:
    with Session(database) as db:
        donor = donor_of(db, grant.what)
        points = labels_for(db, donor, grant.number if grant.what.startswith("offer:") else None) if donor else []
        log.info("parcel.shown", what=grant.what, parcels=sum(len(point.parcels) for point in points))
        if not points:
            return pages.show("goods/parcel_gone", reason="none", again="")
        return pages.show("goods/parcel", points=points)


def _is_donor(grant: Grant) -> IsTheirs:
    """Build the condition that a conversation is the donor's."""

    def is_theirs(db: Session, conversation: Conversation) -> bool:
        return conversation.user_id is not None and conversation.user_id == donor_of(db, grant.what)

    return is_theirs
