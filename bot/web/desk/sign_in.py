"""Sign staff in at the desk: on a computer by a code that their own WeChat scans and confirms, on a phone by WeChat's
word, and out again.

The browser that showed the code is known by a cookie, drawn anew with each code, so that none can be planted before.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from flask import Blueprint, Response, jsonify, request
from sqlalchemy.orm import Session

from bot.web.desk.device import device_of
from bot.web.desk.guard import DeskGuard, NotOurForm, NotSignedIn
from bot.web.officer import refuse_in_advance
from bot.web.pages import Pages, guarded
from bot.web.qr import drawn
from bot.web.rate_limit import RateLimit
from bot.web.visitor import Visitors, VisitRefused
from bot.wechat.policy import Unreachable, WeChatError
from models.desk.session import end_session, open_session
from models.desk.sign_in import LASTS, SCENE, TooManyCodes, begin_sign_in, enter, has_desk, state_of
from models.people.conversation import Conversation
from models.staff.member import find_staff

log = structlog.get_logger()

HOME, PHONE, SCRIPT = "/desk", "/desk/phone", "/desk.js"
# Codes that one address may have in an hour: an office has one, with everybody in it.
MOST_CODES = 60


@dataclass(frozen=True, slots=True)
class DeskParts:
    """What the desk's pages need. ``create_code``: scene and lifetime -> what the account's QR code says."""

    guard: DeskGuard
    pages: Pages
    visitors: Visitors
    create_code: Callable[[str, timedelta], str]
    tries: RateLimit

    def show(self, name: str, status: int = 200, /, **values: object) -> Response:
        """Show a page with a form of ours, and with our script."""
        response = self.pages.show(name, status, **values)
        policy = response.headers["Content-Security-Policy"].replace("form-action 'none'", "form-action 'self'")
        response.headers["Content-Security-Policy"] = f"{policy}; script-src 'self'; connect-src 'self'"
        return response


def add_sign_in(blueprint: Blueprint, parts: DeskParts) -> None:
    """Add the routes by which staff come in and go, and what is answered to who is not signed in."""
    guard = parts.guard
    blueprint.before_request(guard.demand_https)

    @blueprint.post("/desk/code")
    def code() -> Response:
        """Show a code, for the browser that asks with a form of ours."""
        guard.demand_form(signed_in=False)
        if parts.tries.used_up(request):
            return show_way_in(parts, "too_many", 429)
        parts.tries.count(request)
        try:
            with Session(guard.database) as db, db.begin():
                shown = begin_sign_in(db, device_of(request), guard.browser_token(), guard.clock())
        except TooManyCodes:
            log.warning("desk.too_many_codes")
            return show_way_in(parts, "later", 503)
        page = _show_code(parts, shown.token, state="shown", url=_code_url(parts, shown.scene), digits=shown.digits)
        return guard.keep_browser(page, shown.token)

    @blueprint.get("/desk/state")
    def state() -> Response:
        """Answer where this browser's code stands; its page asks again and again."""
        with Session(guard.database) as db:
            found = state_of(db, guard.browser_token(), guard.clock())
        return guarded(jsonify(state=found))

    @blueprint.post("/desk/enter")
    def enter_() -> Response:
        """Begin the session of a browser whose code was confirmed."""
        guard.demand_form(signed_in=False)
        token = guard.browser_token()
        with Session(guard.database) as db, db.begin():
            session = enter(db, token, guard.clock())
            found = state_of(db, token, guard.clock())
        if session:
            log.info("desk.entered", how="code")
            return guard.keep_session(_moved(), session)
        if found in ("shown", "asked"):
            return _show_code(parts, token, state=found, url="", digits="")
        return show_way_in(parts, "denied" if found == "denied" else "over", 403)

    @blueprint.get(PHONE)
    def phone() -> Response:
        """Sign in who WeChat says holds a seat. The page leads on by a link: a redirect that began at WeChat would come
        without the new cookie."""
        if answer := refuse_in_advance():
            return answer
        if guard.is_signed_in():
            return parts.show("desk/entered")

        def is_seat(db: Session, visitor: Conversation) -> bool:
            return has_desk(find_staff(db, visitor.account, visitor.openid, guard.clock()), guard.clock())

        if answer := parts.visitors.redirect(PHONE, is_seat):
            return answer
        visitor = parts.visitors.find(is_seat)
        with Session(guard.database) as db, db.begin():
            staff = find_staff(db, visitor.account, visitor.openid, guard.clock()) if visitor else None
            if staff is None:
                raise VisitRefused("not_yours")
            session = open_session(db, staff, "phone", guard.clock())
        log.info("desk.entered", how="phone")
        return guard.keep_session(parts.show("desk/entered"), session)

    @blueprint.post("/desk/out")
    def out() -> Response:
        """End the session of this browser."""
        guard.demand_form(signed_in=True)
        with guard.seat() as seat:
            end_session(seat.db, seat.session, "signed_out", guard.clock())
        return guard.forget_session(_moved())

    @blueprint.get(SCRIPT)
    def script() -> Response:
        response = Response(parts.pages.file("desk/desk.js"), mimetype="text/javascript")
        response.headers["Cache-Control"] = "public, max-age=300"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    _add_refusals(blueprint, parts)


def _add_refusals(blueprint: Blueprint, parts: DeskParts) -> None:
    """Answer who is not signed in any more with the way in, and a form that is none of ours with 403."""

    @blueprint.errorhandler(NotSignedIn)
    def sign_in_again(_: NotSignedIn) -> Response:
        return parts.guard.forget_session(show_way_in(parts, "ended", 403))

    @blueprint.errorhandler(NotOurForm)
    def not_ours(_: NotOurForm) -> Response:
        log.warning("desk.form_refused")
        return show_way_in(parts, "form", 403)

    @blueprint.errorhandler(VisitRefused)
    def refuse(refused: VisitRefused) -> Response:
        log.warning("page.refused", page="desk", reason=refused.reason)
        return parts.pages.show("desk/gone", refused.status, reason=refused.reason, again=PHONE)


def show_way_in(parts: DeskParts, why: str, status: int = 200) -> Response:
    """Show the page from which a code is asked for, and keep a token by which its form is known."""
    token = parts.guard.browser_token() or secrets.token_urlsafe(24)
    return parts.guard.keep_browser(parts.show("desk/sign_in", status, why=why, csrf=parts.guard.csrf(token)), token)


def _show_code(parts: DeskParts, token: str, *, state: str, url: str, digits: str) -> Response:
    values = {"state": state, "code": drawn(url) if url else "", "digits": digits, "csrf": parts.guard.csrf(token)}
    return parts.show("desk/code", minutes=int(LASTS.total_seconds()) // 60, script=SCRIPT, **values)


def _code_url(parts: DeskParts, scene: str) -> str:
    """Ask WeChat for a temporary code; empty where it cannot be had, and the digits have to do."""
    try:
        return parts.create_code(SCENE + scene, LASTS)
    except (WeChatError, Unreachable) as error:
        log.warning("desk.no_code", error=type(error).__name__)
        return ""


def _moved() -> Response:
    return guarded(Response(status=303, headers={"Location": HOME}))
