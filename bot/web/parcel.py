"""Show a donor the labels of their parcels: the point's address, its keeper's work phone, and the parcels' codes.

The link lives for an hour, and opens only for the donor, whom WeChat identifies. No label says anything of a household.
"""

import structlog
from flask import Blueprint, Response
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.web.links import DeadLink, Grant, Links
from bot.web.officer import refuse_in_advance
from bot.web.pages import Pages
from bot.web.visitor import IsTheirs, Visitors, VisitRefused
from models.goods.matches.labels import donor_of, labels_for
from models.people.conversation import Conversation

log = structlog.get_logger()


def parcel_page(database: Engine, pages: Pages, links: Links, visitors: Visitors) -> Blueprint:
    """Serve ``/parcels/<token>`` for one donor, for an hour."""
    blueprint = Blueprint("parcel", __name__)

    @blueprint.get("/parcels/<token>")
    def show(token: str) -> Response:
        try:
            grant = links.read("parcel", token)
            answer = refuse_in_advance() or visitors.redirect(f"/parcels/{token}", _is_donor(grant))
        except DeadLink as dead:
            return pages.show("goods/parcel_gone", 403, reason=dead.reason, again="")
        except VisitRefused as refused:
            log.warning("parcel.refused", reason=refused.reason)
            return pages.show("goods/parcel_gone", refused.status, reason=refused.reason, again=f"/parcels/{token}")
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
