"""Serve the page at which a donor pays a gift.

The address opens nothing by itself: it leads to WeChat and back, and only the donor sees the gift. The button places
the order and shows WeChat's own pay sheet. What the sheet reports proves nothing, so the page asks our server, which
relies on the platform's answer.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, jsonify, request
from sqlalchemy.orm import Session

from bot.pay.errors import PayError
from bot.payments.orders import NotNow, OrderDesk
from bot.web.body import read_body
from bot.web.links import DeadLink, Links
from bot.web.pages import Pages, guarded
from bot.web.visitor import IsTheirs, Visitors, VisitRefused
from models.appeals.appeal import budget_of, get_appeal
from models.core.refusal import Refusal
from models.giving.matching import matching_offers
from models.giving.pledge import FALLBACKS, LEFT_APPEAL, PAID, OverCap, Pledge, check_not_full, check_open
from models.organisations.collector import find_collector
from models.payments.collection import NotPayable, check_payable
from models.payments.order import live_order
from models.people.conversation import Conversation
from models.people.user import User

log = structlog.get_logger()

SCRIPT = "/pay.js"
MOST_LINES = 3
LARGEST_BODY = 1024


@dataclass(frozen=True, slots=True)
class PayPageParts:
    """The page's parts. ``bridge``: where the simulator's phones get WeChat's JS bridge; empty in WeChat itself."""

    pages: Pages
    links: Links
    visitors: Visitors
    orders: OrderDesk
    clock: Callable[[], datetime]
    bridge: str = ""

    def pledge_of(self, token: str) -> int:
        try:
            return self.links.read("pay", token).number
        except DeadLink as dead:
            raise VisitRefused(dead.reason) from None


def pay_page(parts: PayPageParts) -> Blueprint:
    """Make the routes of ``/pay/<token>`` and of its script."""
    blueprint = Blueprint("pay", __name__)
    source = urlsplit(parts.bridge)
    own = "; connect-src 'self'; script-src 'self'" + (f" {source.scheme}://{source.netloc}" if parts.bridge else "")

    @blueprint.get("/pay/<token>")
    def show(token: str) -> Response:
        number = parts.pledge_of(token)
        if redirect := parts.visitors.redirect(f"/pay/{token}", _is_donor_of(number)):
            return redirect
        with Session(parts.orders.database) as db:
            pledge, now = db.get_one(Pledge, number), parts.clock()
            values = {**_gift(db, pledge), "state": page_state(db, pledge, now)}
            values["matching"] = matching_offers(db, pledge.appeal_id, now)
        response = parts.pages.show("payments/pay", token=token, script=SCRIPT, bridge=parts.bridge, **values)
        response.headers["Content-Security-Policy"] += own
        return response

    @blueprint.post("/pay/<token>/order")
    def order(token: str) -> Response:
        """Place the order. Another site's page cannot send this: it has no cookie, and JSON needs a preflight."""
        number, openid = _donor(parts, token)
        fallback = _chosen_fallback()
        try:
            return _json(state="ready", sheet=parts.orders.place(number, openid, fallback))
        except (Refusal, NotNow) as refusal:
            log.info("pay_page.refused", pledge=number, why=getattr(refusal, "code", "not_now"))
        except PayError as error:
            log.warning("pay_page.not_ordered", pledge=number, error=type(error).__name__, call=error.call)
            return _json(503, state="trouble")
        found = _page_state(parts, number)
        return _json(state="trouble" if found == "ready" else found)

    @blueprint.get("/pay/<token>/state")
    def state(token: str) -> Response:
        """Answer the gift's state; query the platform first where we do not know of a payment yet."""
        number, _ = _donor(parts, token)
        found = _page_state(parts, number)
        if found in ("paid", "back"):
            return _json(state=found)
        with Session(parts.orders.database) as db:
            live = live_order(db, number)
        if live:
            parts.orders.refresh(live.id)
        return _json(state=_page_state(parts, number))

    @blueprint.get(SCRIPT)
    def script() -> Response:
        response = Response(parts.pages.file("payments/pay.js"), mimetype="text/javascript")
        response.headers["Cache-Control"] = "public, max-age=300"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @blueprint.errorhandler(VisitRefused)
    def refuse(refused: VisitRefused) -> Response:
        token = (request.view_args or {}).get("token", "")
        again = f"/pay/{token}" if refused.reason in ("again", "snapshot") else ""
        return parts.pages.show("payments/pay_gone", refused.status, reason=refused.reason, again=again)

    return blueprint


def page_state(db: Session, pledge: Pledge, now: datetime) -> str:
    """Return the page's state: ready (to be paid), paid, back, question, full, shut (takes no gifts), over."""
    if pledge.state in PAID:
        return "paid"
    if pledge.state in LEFT_APPEAL:
        return "back"
    try:
        check_payable(db, pledge, now)
    except NotPayable as refusal:
        if refusal.values["in_question"]:
            return "question"
        return _takes_another(db, pledge, now) or "over"
    except OverCap:
        return "full"
    except Refusal:
        return "shut"
    return "ready"


def _takes_another(db: Session, pledge: Pledge, now: datetime) -> str | None:
    """Return why the appeal of an unpaid gift takes no other either (full, shut); None if it does: only then is the
    donor told how to give again."""
    appeal = get_appeal(db, pledge.appeal_id)
    try:
        check_open(db, appeal, None, now)
        check_not_full(db, appeal)
    except OverCap:
        return "full"
    except Refusal:
        return "shut"
    return None


def _page_state(parts: PayPageParts, number: int) -> str:
    with Session(parts.orders.database) as db:
        return page_state(db, db.get_one(Pledge, number), parts.clock())


def _is_donor_of(number: int) -> IsTheirs:
    """Build the condition that a conversation is that of the pledge's donor."""

    def is_donor(db: Session, conversation: Conversation) -> bool:
        pledge = db.get(Pledge, number)
        return pledge is not None and conversation.user_id == pledge.donor_id

    return is_donor


def _donor(parts: PayPageParts, token: str) -> tuple[int, str]:
    """Return the pledge's number and its donor's openid. Raises VisitRefused."""
    number = parts.pledge_of(token)
    donor = parts.visitors.find(_is_donor_of(number))
    if donor is None:
        raise VisitRefused("not_yours")
    return number, donor.openid


def _chosen_fallback() -> str | None:
    """Read what the page's script sends. Raises VisitRefused, or RequestEntityTooLarge."""
    if not request.is_json:
        raise VisitRefused("again", 400)
    try:
        said: Any = json.loads(read_body(LARGEST_BODY))
    except (ValueError, RecursionError):
        said = None
    chosen = said.get("fallback") if isinstance(said, dict) else None
    if chosen not in FALLBACKS:
        raise VisitRefused("again", 400)
    return str(chosen)


def _gift(db: Session, pledge: Pledge) -> Mapping[str, Any]:
    appeal = get_appeal(db, pledge.appeal_id)
    lines = sorted(budget_of(db, appeal.id), key=lambda line: -line[1])
    donor = db.get_one(User, pledge.donor_id)
    return {
        "pledge": pledge,
        "appeal": appeal,
        "collector": find_collector(db, appeal.charity_id, appeal.filing_id),
        "lines": lines[:MOST_LINES],
        "line_count": len(lines),
        "name": None if pledge.anonymous else donor.display_name,
        "fallbacks": FALLBACKS,
    }


def _json(status: int = 200, **what: Any) -> Response:
    response = jsonify(what)
    response.status_code = status
    return guarded(response)
