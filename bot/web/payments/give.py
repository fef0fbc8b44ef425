"""Serve the page at which a follower gives to an appeal from its public page: how much, and whether by name.

``/give/<number>`` leads to WeChat and back, which says who opens it. What they choose becomes the pledge that the chat
would make, and the browser goes on to the page that pays it. It works without script.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import structlog
from flask import Blueprint, Response, request
from itsdangerous import BadSignature
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.web.body import read_body
from bot.web.links import Links
from bot.web.pages import Pages, guarded
from bot.web.public.appeal import page_number
from bot.web.refusals import show_refusals
from bot.web.visitor import Visitors, VisitRefused
from models.core.refusal import Refusal
from models.payments.gift_by_page import ChosenGift, admit, give_by_page, read_yuan
from models.people.conversation import Conversation

log = structlog.get_logger()

# What can be chosen without typing, in fen.
AMOUNTS = (100, 1_000, 5_000, 10_000)
LARGEST_GIFT = 2_048
_FORM_LASTS = timedelta(hours=1)
_ONCE = 16  # bytes by lot, which name one form


@dataclass(frozen=True, slots=True)
class GivePageParts:
    database: Engine
    pages: Pages
    links: Links
    visitors: Visitors
    clock: Callable[[], datetime]


def give_page(parts: GivePageParts) -> Blueprint:
    """Make the routes of ``/give/<number>``."""
    blueprint = Blueprint("give", __name__)
    show_refusals(blueprint, parts.pages, "payments/give_gone")

    @blueprint.get("/give/<said>")
    def show(said: str) -> Response:
        number = _number(said)
        if redirect := parts.visitors.redirect(request.path, _follows):
            return redirect
        return _form(parts, _visitor(parts), number)

    @blueprint.post("/give/<said>")
    def give(said: str) -> Response:
        """Make the gift. Another site's page cannot send this: it has neither the cookie nor our form's token."""
        number, visitor = _number(said), _visitor(parts)
        form = parse_qs(read_body(LARGEST_GIFT).decode("ascii", "replace"))
        once = _demand_form(parts, visitor, number, _one(form, "once"))
        fen = read_yuan(_one(form, "other").strip() or _one(form, "amount"))
        if fen is None:
            return _form(parts, visitor, number, wrong="amount", status=400)
        chosen = ChosenGift(once, fen, anonymous=_one(form, "name") == "no")
        try:
            with Session(parts.database) as db, db.begin():
                pledge = give_by_page(db, visitor, number, chosen, parts.clock())
        except Refusal as refusal:
            log.info("give_page.refused", appeal=number, why=refusal.code)
            return _form(parts, visitor, number, wrong=refusal.code, facts=refusal.values, status=409)
        log.info("give_page.given", pledge=pledge)
        response = guarded(Response(status=303))
        response.headers["Location"] = parts.links.make("pay", f"pledge:{pledge}", 0)
        return response

    return blueprint


def _form(
    parts: GivePageParts,
    visitor: Conversation,
    number: int,
    *,
    wrong: str = "",
    facts: Mapping[str, Any] | None = None,
    status: int = 200,
) -> Response:
    """Show the form, or why this person cannot give to it now. ``wrong``: what was wrong with what was sent."""
    with Session(parts.database) as db:
        try:
            appeal, donor = admit(db, visitor, number, parts.clock())
            values = {"title": appeal.title, "name": donor.display_name, "why": ""}
        except Refusal as refusal:
            values, wrong = {"title": "", "name": "", "why": refusal.code}, ""
            status = 200 if status == 200 else 409
    once = parts.links.sign("give", [visitor.id, number, secrets.token_hex(_ONCE)])
    said = {"number": number, "amounts": AMOUNTS, "once": once, "wrong": wrong, "facts": facts or {}}
    response = parts.pages.show("payments/give", status, **said, **values)
    policy = response.headers["Content-Security-Policy"]
    response.headers["Content-Security-Policy"] = policy.replace("form-action 'none'", "form-action 'self'")
    return response


def _follows(_db: Session, conversation: Conversation) -> bool:
    return conversation.following


def _visitor(parts: GivePageParts) -> Conversation:
    """Return the conversation of who looks. Raises VisitRefused."""
    found = parts.visitors.find(_follows)
    if found is None:
        raise VisitRefused("again")
    return found


def _demand_form(parts: GivePageParts, visitor: Conversation, number: int, token: str) -> str:
    """Return what names this form, which we made for this person and appeal within the hour. Raises VisitRefused."""
    try:
        made = parts.links.unsign("give", token, _FORM_LASTS)
    except BadSignature:
        raise VisitRefused("again") from None
    if not isinstance(made, list) or made[:2] != [visitor.id, number]:
        raise VisitRefused("again")
    return str(made[2])


def _number(said: str) -> int:
    """Read the number as the address has it. Raises VisitRefused."""
    number = page_number(said)
    if number is None:
        raise VisitRefused("forged", 404)
    return number


def _one(form: Mapping[str, list[str]], name: str) -> str:
    return form.get(name, [""])[0]
