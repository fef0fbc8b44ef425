"""Show an appeal's owner beforehand what its public page would be, and record that they looked.

``/preview/<token>`` opens for the owner alone, whom WeChat identifies, for an hour; ``/reading/<token>`` for the
officer who reads it to an owner without a phone, by their mandate. ``/preview-photo/<token>`` is one of its photos.
"""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.photos.files import PhotoFiles
from bot.web.links import Links
from bot.web.officer import is_looked_at, is_seat, refuse_in_advance
from bot.web.pages import Pages
from bot.web.photo_file import send_photo
from bot.web.refusals import show_refusals
from bot.web.visitor import IsTheirs, Visitors, VisitRefused
from models.appeals.appeal import Appeal
from models.core.state_machine import Actor
from models.people.conversation import Conversation
from models.people.user import User
from models.public.appeal_page import PageNotNow, check_can_have_page, record_look
from models.public.page_by_mandate import may_read_to
from models.public.page_view import read_page
from models.public.photos import approved_photos
from models.staff.member import Staff

log = structlog.get_logger()


def appeal_preview(
    database: Engine,
    pages: Pages,
    links: Links,
    visitors: Visitors,
    files: PhotoFiles,
    clock: Callable[[], datetime],
) -> Blueprint:
    """Serve ``/preview/<token>`` for an appeal's owner, and ``/reading/<token>`` for who reads it to them."""
    blueprint = Blueprint("appeal_preview", __name__)
    show_refusals(blueprint, pages, "public/preview_gone")

    def look(number: int, staff_id: int) -> Response:
        """Show the page as it would be, and record the look. ``staff_id``: of who reads it out; 0: its owner looks."""
        now = clock()
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
            page = read_page(db, number, now, is_open=False)
            photos = [
                (urlsplit(links.make("preview_photo", f"{number}:{photo.id}", staff_id)).path, photo.created_at)
                for photo in approved_photos(db, number)
            ]
        log.info("appeal_page.previewed", appeal=number)
        said = {"page": page, "address": "", "code": "", "give": "", "aloud": staff_id > 0, "now": now}
        return pages.show("public/appeal", photos=photos, sharing=None, **said)

    @blueprint.get("/preview/<token>")
    def show(token: str) -> Response:
        number = links.read("preview", token).number
        answer = refuse_in_advance() or visitors.redirect(request.path, _is_owner(number))
        return answer or look(number, 0)

    @blueprint.get("/reading/<token>")
    def read_out(token: str) -> Response:
        grant = links.read("reading", token)
        answer = refuse_in_advance() or visitors.redirect(request.path, is_seat(grant.staff_id))
        return answer or look(grant.number, grant.staff_id)

    @blueprint.get("/preview-photo/<token>")
    def photo(token: str) -> Response:
        """Send an approved photo that the page would show; only the look leads here."""
        grant = links.read("preview_photo", token)
        number, _, photo_id = grant.what.partition(":")
        if visitors.find(is_seat(grant.staff_id) if grant.staff_id else _is_owner(int(number))) is None:
            raise VisitRefused("not_yours")
        with Session(database) as db:
            if grant.staff_id and not may_read_to(db, db.get(Staff, grant.staff_id), int(number), clock()):
                raise VisitRefused("none", 403)
            found = next((one for one in approved_photos(db, int(number)) if str(one.id) == photo_id), None)
            path = found.path if found else None
        return send_photo(files, path)

    return blueprint


def _is_owner(number: int) -> IsTheirs:
    """Build the condition that a conversation is that of the appeal's owner."""

    def is_theirs(db: Session, conversation: Conversation) -> bool:
        appeal = db.get(Appeal, number)
        owner = db.get(User, appeal.owner_id) if appeal else None
        return owner is not None and owner.state == "active" and conversation.user_id == owner.id

    return is_theirs
