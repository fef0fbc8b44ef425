"""Show an officer the pictures of a thing, by the link that a reply gave them and that opens for nobody else.

``/pictures/<token>`` is the page, and each opening goes into the access log; ``/picture/<token>`` is one picture,
whose address only the page holds.
"""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.photos.files import PhotoFiles
from bot.photos.folder import DiskTrouble, NoSuchFile
from bot.web.links import Links
from bot.web.officer import is_looked_at, is_seat, refuse_in_advance
from bot.web.pages import Pages, guarded
from bot.web.refusals import show_refusals
from bot.web.visitor import Visitors, VisitRefused
from models.oversight.pictures import Gallery, NotForYou, open_gallery, record_gallery_access

log = structlog.get_logger()


def pictures(
    database: Engine,
    pages: Pages,
    links: Links,
    visitors: Visitors,
    files: PhotoFiles,
    clock: Callable[[], datetime],
) -> Blueprint:
    """Make the routes."""
    blueprint = Blueprint("pictures", __name__)
    show_refusals(blueprint, pages, "oversight/pictures_gone")

    @blueprint.get("/pictures/<token>")
    def show(token: str) -> Response:
        grant = links.read("pictures", token)
        if answer := refuse_in_advance() or visitors.redirect(f"/pictures/{token}", is_seat(grant.staff_id)):
            return answer
        subject, number = _thing(grant.what)
        with Session(database) as db:
            gallery = open_gallery(db, grant.staff_id, subject, number, clock())
        # A slow disk holds no connection of the database.
        shown = _addressed(links, files, gallery, grant.staff_id)
        page = pages.show("oversight/pictures", gallery=gallery, shown=shown)
        if is_looked_at():
            # Recorded once the page is rendered: where that fails, the officer saw nothing.
            can_be_seen = not shown or any(address for address, _ in shown)
            with Session(database) as db, db.begin():
                # What came meanwhile is not on the page.
                now_there = open_gallery(db, grant.staff_id, subject, number, clock())
                can_be_seen &= now_there.same_as(gallery)
                record_gallery_access(db, gallery, grant.staff_id, clock(), can_be_seen=can_be_seen)
        log.info("pictures.shown", subject=subject, number=number, staff=grant.staff_id)
        return page

    @blueprint.get("/picture/<token>")
    def one(token: str) -> Response:
        grant = links.read("picture", token)
        if visitors.find(is_seat(grant.staff_id)) is None:
            raise VisitRefused("not_yours")
        what, _, photo_id = grant.what.rpartition(":")
        with Session(database) as db:
            gallery = open_gallery(db, grant.staff_id, *_thing(what), clock())
            path = next((photo.path for photo in gallery.pictures if str(photo.id) == photo_id), None)
        if path is None:  # not of this gallery
            return guarded(Response(status=404))
        try:
            return guarded(Response(files.read(path), mimetype="image/jpeg"))
        except NoSuchFile:  # deleted a moment ago, or damaged
            return guarded(Response(status=404))
        except DiskTrouble as error:
            log.warning("pictures.not_read", error=str(error))
            return guarded(Response(status=503))

    @blueprint.errorhandler(NotForYou)
    def not_yours(_: NotForYou) -> Response:
        log.warning("page.refused", page="pictures", reason="not_in_charge")
        return pages.show("oversight/pictures_gone", 403, reason="not_in_charge", again="")

    return blueprint


def _thing(what: str) -> tuple[str, int]:
    subject, _, number = what.partition(":")
    return subject, int(number)


def _addressed(links: Links, files: PhotoFiles, gallery: Gallery, staff_id: int) -> list[tuple[str | None, datetime]]:
    """Return the path of each picture, None where the file is missing or damaged, and when it was sent."""
    what = f"{gallery.subject}:{gallery.number}"
    made = [
        (links.make("picture", f"{what}:{photo.id}", staff_id), photo.created_at, files.has(photo.path or ""))
        for photo in gallery.pictures
    ]
    # Paths only: the page may be open under another host than PUBLIC_URL, and loads pictures from its own.
    return [(urlsplit(address).path if there else None, at) for address, at, there in made]
