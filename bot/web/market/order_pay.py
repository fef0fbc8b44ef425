"""Serve the page at which a buyer pays an order to its seller.

The address opens nothing by itself: it leads to WeChat and back, and only the buyer sees the order. The button places
the payment and shows WeChat's own pay sheet. What the sheet reports proves nothing, so the page asks our server, which
relies on the platform's answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, jsonify, request
from sqlalchemy.orm import Session

from bot.market.payments import OrderPaymentDesk
from bot.pay.errors import PayError
from bot.payments.orders import NotNow
from bot.web.links import DeadLink, Links
from bot.web.pages import Pages, guarded
from bot.web.payments.pay import SCRIPT
from bot.web.visitor import IsTheirs, Visitors, VisitRefused
from models.core.refusal import Refusal
from models.market.listing import Listing
from models.market.money.paying import OrderNotPayable, check_payable
from models.market.money.payment import live_payment, paid_payments
from models.market.orders.order import Order
from models.people.conversation import Conversation
from models.places.region import Region

log = structlog.get_logger()

_PATH = "/pay/orders/<token>"


@dataclass(frozen=True, slots=True)
class OrderPayPageParts:
    """The page's parts. ``bridge``: where the simulator's phones get WeChat's JS bridge; empty in WeChat itself."""

    pages: Pages
    links: Links
    visitors: Visitors
    desk: OrderPaymentDesk
    clock: Callable[[], datetime]
    bridge: str = ""

    def order_of(self, token: str) -> int:
        try:
            return self.links.read("order_pay", token).number
        except DeadLink as dead:
            raise VisitRefused(dead.reason) from None


def order_pay_page(parts: OrderPayPageParts) -> Blueprint:
    """Make the routes of ``/pay/orders/<token>``; its script is that of the gifts' page."""
    blueprint = Blueprint("order_pay", __name__)
    source = urlsplit(parts.bridge)
    own = "; connect-src 'self'; script-src 'self'" + (f" {source.scheme}://{source.netloc}" if parts.bridge else "")

    @blueprint.get(_PATH)
    def show(token: str) -> Response:
        number = parts.order_of(token)
        if redirect := parts.visitors.redirect(f"/pay/orders/{token}", _is_buyer_of(number)):
            return redirect
        with Session(parts.desk.database) as db:
            order = db.get_one(Order, number)
            place = db.get_one(Region, db.get_one(Listing, order.listing_id).region_code).full_name
            values: dict[str, Any] = {"order": order, "place": place}
            values["state"] = page_state(db, order, parts.clock())
        response = parts.pages.show("market/order_pay", token=token, script=SCRIPT, bridge=parts.bridge, **values)
        response.headers["Content-Security-Policy"] += own
        return response

    @blueprint.post(f"{_PATH}/order")
    def order(token: str) -> Response:
        """Place the payment. Another site's page cannot send this: it has no cookie, and JSON needs a preflight."""
        number, openid = _buyer(parts, token)
        if not request.is_json:
            raise VisitRefused("again", 400)
        try:
            return _json(state="ready", sheet=parts.desk.place(number, openid))
        except (Refusal, NotNow) as refusal:
            log.info("order_pay_page.refused", order=number, why=getattr(refusal, "code", "not_now"))
        except PayError as error:
            log.warning("order_pay_page.not_placed", order=number, error=type(error).__name__, call=error.call)
            return _json(503, state="trouble")
        found = _page_state(parts, number)
        return _json(state="trouble" if found == "ready" else found)

    @blueprint.get(f"{_PATH}/state")
    def state(token: str) -> Response:
        """Answer the order's state; query the platform first where we do not know of a payment yet."""
        number, _ = _buyer(parts, token)
        found = _page_state(parts, number)
        if found in ("paid", "back"):
            return _json(state=found)
        with Session(parts.desk.database) as db:
            live = live_payment(db, number)
        if live:
            parts.desk.refresh(live.id)
        return _json(state=_page_state(parts, number))

    @blueprint.errorhandler(VisitRefused)
    def refuse(refused: VisitRefused) -> Response:
        token = (request.view_args or {}).get("token", "")
        again = f"/pay/orders/{token}" if refused.reason in ("again", "snapshot") else ""
        return parts.pages.show("market/order_pay_gone", refused.status, reason=refused.reason, again=again)

    return blueprint


def page_state(db: Session, order: Order, now: datetime) -> str:
    """Return the page's state: ready (to be paid), paid, back (what was paid goes back), reserved (by hand), over."""
    if order.paid_at and order.state != "cancelled":
        return "paid"
    try:
        check_payable(db, order, now)
    except OrderNotPayable:
        if paid_payments(db, order.id):
            return "back"
        return "over" if order.state in ("awaiting_payment", "cancelled") else "reserved"
    return "ready"


def _page_state(parts: OrderPayPageParts, number: int) -> str:
    with Session(parts.desk.database) as db:
        return page_state(db, db.get_one(Order, number), parts.clock())


def _is_buyer_of(number: int) -> IsTheirs:
    """Build the condition that a conversation is that of the order's buyer."""

    def is_buyer(db: Session, conversation: Conversation) -> bool:
        order = db.get(Order, number)
        return order is not None and conversation.user_id == order.buyer_id

    return is_buyer


def _buyer(parts: OrderPayPageParts, token: str) -> tuple[int, str]:
    """Return the order's number and its buyer's openid. Raises VisitRefused."""
    number = parts.order_of(token)
    buyer = parts.visitors.find(_is_buyer_of(number))
    if buyer is None:
        raise VisitRefused("not_yours")
    return number, buyer.openid


def _json(status: int = 200, **what: Any) -> Response:
    response = jsonify(what)
    response.status_code = status
    return guarded(response)
