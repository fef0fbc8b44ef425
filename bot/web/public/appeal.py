"""Show everybody an appeal's page that its owner agreed to, and show its owner beforehand what that would be.

``/a/<number>`` is public and the same bytes for everybody, as is its sheet to print, ``/a/<number>/poster``. Caches
keep them for a minute and this process for some seconds (bot.web.public.kept), so that a page that is closed is gone
everywhere after at most GONE_WITHIN.
``/preview/<token>`` opens for the owner alone, whom WeChat identifies, for an hour, and records the look;
``/reading/<token>`` for the officer who reads it to an owner without a phone, by their mandate.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from flask import Blueprint, Response, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.web.links import Links
from bot.web.officer import is_looked_at, is_seat, refuse_in_advance
from bot.web.pages import Pages
from bot.web.public.kept import KEPT_FOR, KeptPages
from bot.web.qr import drawn, picture_address
from bot.web.refusals import show_refusals
from bot.web.visitor import IsTheirs, Visitors, VisitRefused
from models.appeals.appeal import Appeal
from models.core.state_machine import Actor
from models.people.conversation import Conversation
from models.people.user import User
from models.public.appeal_code import find_code
from models.public.appeal_page import PageNotNow, Standing, check_can_have_page, record_look, standing
from models.public.page_by_mandate import may_read_to
from models.public.page_view import read_page
from models.staff.member import Staff

log = structlog.get_logger()

MAX_AGE = timedelta(seconds=60)
GONE_WITHIN = MAX_AGE + KEPT_FOR
_LONGEST_NUMBER = 15


def appeal_page(database: Engine, pages: Pages, links: Links, kept: KeptPages, *, collects: bool) -> Blueprint:
    """Serve ``/a/<number>`` and its sheet: 410 for a page that is closed, 404 where there never was one.

    ``collects``: the page leads to the one at which a follower gives (bot.web.give).
    """
    blueprint = Blueprint("appeal_page", __name__)

    def render(name: str, number: int, now: datetime) -> Response:
        with Session(database) as db:
            found = standing(db, number, now)
            if found is not Standing.OPEN:
                status = 410 if found is Standing.CLOSED else 404
                return _public(pages.show("public/appeal_gone", status, was=found is Standing.CLOSED))
            page, code = read_page(db, number, now), find_code(db, number, now)
        address = links.open("appeal", str(number))
        if name == "sheet":
            return _public(pages.show("public/poster", page=page, code=drawn(address), now=now))
        ways = {"code": picture_address(code) if code else "", "give": f"/give/{number}" if collects else ""}
        return _public(pages.show("public/appeal", page=page, address=address, aloud=False, now=now, **ways))

    def send(name: str, said: str) -> Response:
        number = _number(said)
        if number is None:
            return pages.show("public/appeal_gone", 404, was=False)
        response = kept.get((name, number), lambda now: render(name, number, now)).response()
        if response.status_code == 200:
            response.make_conditional(request)
        return response

    @blueprint.get("/a/<said>")
    def show(said: str) -> Response:
        return send("page", said)

    @blueprint.get("/a/<said>/poster")
    def sheet(said: str) -> Response:
        """Show what is printed for the village's board: its code is the page's address, which does not end."""
        return send("sheet", said)

    return blueprint


def appeal_preview(
    database: Engine, pages: Pages, links: Links, visitors: Visitors, clock: Callable[[], datetime]
) -> Blueprint:
    """Serve ``/preview/<token>`` for an appeal's owner, and ``/reading/<token>`` for who reads it to them."""
    blueprint = Blueprint("appeal_preview", __name__)
    show_refusals(blueprint, pages, "public/preview_gone")

    @blueprint.get("/preview/<token>")
    def show(token: str) -> Response:
        number = links.read("preview", token).number
        answer = refuse_in_advance() or visitors.redirect(request.path, _is_owner(number))
        return answer or _look(database, pages, number, 0, clock())

    @blueprint.get("/reading/<token>")
    def read_out(token: str) -> Response:
        grant = links.read("reading", token)
        answer = refuse_in_advance() or visitors.redirect(request.path, is_seat(grant.staff_id))
        return answer or _look(database, pages, grant.number, grant.staff_id, clock())

    return blueprint


def _look(database: Engine, pages: Pages, number: int, staff_id: int, now: datetime) -> Response:
    """Show the page as it would be, and record the look. ``staff_id``: of who reads it out; 0: its owner looks."""
    with Session(database) as db, db.begin():
        appeal = db.get_one(Appeal, number)
        staff = db.get(Staff, staff_id) if staff_id else None
        if staff_id and not may_read_to(db, staff, number, now):
            raise VisitRefused("none", 403)
        try:
            check_can_have_page(db, appeal, now)
        except PageNotNow:
            raise VisitRefused("none", 200) from None
        if is_looked_at():
            record_look(db, number, staff.actor if staff else Actor.owner(appeal.owner_id), now)
        page = read_page(db, number, now)
    log.info("appeal_page.previewed", appeal=number)
    return pages.show("public/appeal", page=page, address="", code="", give="", aloud=staff_id > 0, now=now)


def _is_owner(number: int) -> IsTheirs:
    """Build the condition that a conversation is that of the appeal's owner."""

    def is_theirs(db: Session, conversation: Conversation) -> bool:
        appeal = db.get(Appeal, number)
        owner = db.get(User, appeal.owner_id) if appeal else None
        return owner is not None and owner.state == "active" and conversation.user_id == owner.id

    return is_theirs


def _number(said: str) -> int | None:
    """Read the number as the address has it: other ways to write it are no address."""
    plain = said.isascii() and said.isdigit() and len(said) <= _LONGEST_NUMBER
    return int(said) if plain and not said.startswith("0") else None


def _public(response: Response) -> Response:
    """Allow caches to keep a page, open or closed, for MAX_AGE; one that was never there is not kept."""
    if response.status_code != 404:
        response.headers["Cache-Control"] = f"public, max-age={int(MAX_AGE.total_seconds())}"
    return response
