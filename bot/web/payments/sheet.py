"""Serve the page on which a donor or a buyer pays with WeChat's pay sheet, and its script.

The address opens nothing by itself: it leads to WeChat and back, and only the payer sees the page. The button places
the order and shows WeChat's own pay sheet. What the sheet reports proves nothing, so the page asks our server, which
relies on the platform's answer.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, jsonify, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.pay.errors import PayError
from bot.payments.platform_orders import NotNow
from bot.web.body import read_body
from bot.web.links import DeadLink, Links
from bot.web.pages import Pages, guarded
from bot.web.visitor import IsTheirs, Visitors, VisitRefused
from models.core.refusal import Refusal
from models.people.conversation import Conversation

log = structlog.get_logger()

SCRIPT = "/pay.js"
LARGEST_BODY = 1024


class Payable(Protocol):
    """What one kind of page is paid for. ``link``: the kind of its links, and the blueprint's name; ``path``: before
    the token; ``template``: of the page, and with ``_gone`` of the one that is shown in its place."""

    link: ClassVar[str]
    path: ClassVar[str]
    template: ClassVar[str]

    @property
    def database(self) -> Engine: ...

    def payer_id(self, db: Session, number: int) -> int | None:
        """Return the id of the person who pays; None where there is no such thing."""

    def state(self, db: Session, number: int, now: datetime) -> str:
        """Return the page's state; ``ready``: it can be paid now."""

    def values(self, db: Session, number: int, now: datetime) -> Mapping[str, Any]:
        """Return what the template shows, without the state."""

    def place(self, number: int, openid: str, sent: Any) -> Mapping[str, str]:
        """Place the order and return the pay sheet's parameters. ``sent``: the JSON of the page's script."""

    def refresh(self, number: int) -> None:
        """Query the live order, if there is one, and apply its state."""


@dataclass(frozen=True, slots=True)
class SheetParts:
    """The pages' parts. ``bridge``: where the simulator's phones get WeChat's JS bridge; empty in WeChat itself."""

    pages: Pages
    links: Links
    visitors: Visitors
    clock: Callable[[], datetime]
    bridge: str = ""


def pay_page(parts: SheetParts, payable: Payable) -> Blueprint:
    """Make the routes of the page, of its order and of its state."""
    blueprint = Blueprint(payable.link, __name__)
    path = f"{payable.path}/<token>"
    source = urlsplit(parts.bridge)
    own = "; connect-src 'self'; script-src 'self'" + (f" {source.scheme}://{source.netloc}" if parts.bridge else "")

    def number_of(token: str) -> int:
        try:
            return parts.links.read(payable.link, token).number
        except DeadLink as dead:
            raise VisitRefused(dead.reason) from None

    def is_payer_of(number: int) -> IsTheirs:
        def is_payer(db: Session, conversation: Conversation) -> bool:
            payer = payable.payer_id(db, number)
            return payer is not None and conversation.user_id == payer

        return is_payer

    def payer(token: str) -> tuple[int, str]:
        """Return the number of what is paid and its payer's openid. Raises VisitRefused."""
        number = number_of(token)
        found = parts.visitors.find(is_payer_of(number))
        if found is None:
            raise VisitRefused("not_yours")
        return number, found.openid

    def state_of(number: int) -> str:
        with Session(payable.database) as db:
            return payable.state(db, number, parts.clock())

    @blueprint.get(path)
    def show(token: str) -> Response:
        number = number_of(token)
        if redirect := parts.visitors.redirect(f"{payable.path}/{token}", is_payer_of(number)):
            return redirect
        with Session(payable.database) as db:
            now = parts.clock()
            values = {**payable.values(db, number, now), "state": payable.state(db, number, now)}
        response = parts.pages.show(
            payable.template, address=f"{payable.path}/{token}", script=SCRIPT, bridge=parts.bridge, **values
        )
        response.headers["Content-Security-Policy"] += own
        return response

    @blueprint.post(f"{path}/order")
    def order(token: str) -> Response:
        """Place the order. Another site's page cannot send this: it has no cookie, and JSON needs a preflight."""
        number, openid = payer(token)
        sent = _read_sent()
        try:
            return _json(state="ready", sheet=payable.place(number, openid, sent))
        except (Refusal, NotNow) as refusal:
            log.info("pay_page.refused", kind=payable.link, number=number, why=getattr(refusal, "code", "not_now"))
        except PayError as error:
            what = {"number": number, "error": type(error).__name__, "call": error.call}
            log.warning("pay_page.not_ordered", kind=payable.link, **what)
            return _json(503, state="trouble")
        found = state_of(number)
        return _json(state="trouble" if found == "ready" else found)

    @blueprint.get(f"{path}/state")
    def state(token: str) -> Response:
        """Answer the page's state; query the platform first where we do not know of a payment yet."""
        number, _ = payer(token)
        found = state_of(number)
        if found not in ("paid", "back"):
            payable.refresh(number)
            found = state_of(number)
        return _json(state=found)

    @blueprint.errorhandler(VisitRefused)
    def refuse(refused: VisitRefused) -> Response:
        token = (request.view_args or {}).get("token", "")
        again = f"{payable.path}/{token}" if refused.reason in ("again", "snapshot") else ""
        return parts.pages.show(f"{payable.template}_gone", refused.status, reason=refused.reason, again=again)

    return blueprint


def pay_script(pages: Pages) -> Blueprint:
    """Make the route of the pages' script."""
    blueprint = Blueprint("pay_script", __name__)

    @blueprint.get(SCRIPT)
    def script() -> Response:
        response = Response(pages.file("payments/pay.js"), mimetype="text/javascript")
        response.headers["Cache-Control"] = "public, max-age=300"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return blueprint


def _read_sent() -> Any:
    """Read what the page's script sends; None for what is not JSON. Raises VisitRefused, or RequestEntityTooLarge."""
    if not request.is_json:
        raise VisitRefused("again", 400)
    try:
        return json.loads(read_body(LARGEST_BODY))
    except (ValueError, RecursionError):
        return None


def _json(status: int = 200, **what: Any) -> Response:
    response = jsonify(what)
    response.status_code = status
    return guarded(response)
