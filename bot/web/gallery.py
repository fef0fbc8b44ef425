"""Show the pictures of a thing on a page, and record who saw them: the one way for all pages that do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import structlog
from flask import Response
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.photos.files import PhotoFiles
from bot.web.links import Grant, Links
from bot.web.photo_file import send_photo
from models.oversight.pictures import Gallery, open_gallery, record_gallery_access

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class OpenGallery:
    """``shown``: the path of each picture, None where its file is missing or damaged, and when it was sent."""

    gallery: Gallery
    shown: Sequence[tuple[str | None, datetime]]


@dataclass(frozen=True, slots=True)
class Galleries:
    """``picture``: the kind of link by which a page loads one picture (bot.web.links.PATHS)."""

    database: Engine
    links: Links
    files: PhotoFiles
    clock: Callable[[], datetime]
    picture: str

    def open(self, staff_id: int, what: str) -> OpenGallery:
        """Open the pictures of ``what`` (``appeal:12``) for this officer. Raises NotForYou."""
        with Session(self.database) as db:
            gallery = open_gallery(db, staff_id, *thing_of(what), self.clock())
        # A slow disk holds no connection of the database.
        return OpenGallery(gallery, self._addressed(gallery, staff_id))

    def record(self, opened: OpenGallery, staff_id: int) -> None:
        """Record the look, once the page is rendered: where that fails, the officer saw nothing. Raises NotForYou."""
        gallery = opened.gallery
        can_be_seen = not opened.shown or any(address for address, _ in opened.shown)
        with Session(self.database) as db, db.begin():
            # What came meanwhile is not on the page.
            now_there = open_gallery(db, staff_id, gallery.subject, gallery.number, self.clock())
            can_be_seen &= now_there.same_as(gallery)
            record_gallery_access(db, gallery, staff_id, self.clock(), can_be_seen=can_be_seen)
        log.info("pictures.shown", subject=gallery.subject, number=gallery.number, staff=staff_id)

    def one(self, grant: Grant) -> Response:
        """Answer one picture, which only the page of its gallery leads to. Raises NotForYou."""
        what, _, photo_id = grant.what.rpartition(":")
        with Session(self.database) as db:
            gallery = open_gallery(db, grant.staff_id, *thing_of(what), self.clock())
            path = next((photo.path for photo in gallery.pictures if str(photo.id) == photo_id), None)
        return send_photo(self.files, path)

    def _addressed(self, gallery: Gallery, staff_id: int) -> list[tuple[str | None, datetime]]:
        what = f"{gallery.subject}:{gallery.number}"
        made = [
            (
                self.links.make(self.picture, f"{what}:{photo.id}", staff_id),
                photo.created_at,
                self.files.has(photo.path or ""),
            )
            for photo in gallery.pictures
        ]
        # Paths only: the page may be open under another host than PUBLIC_URL, and loads pictures from its own.
        return [(urlsplit(address).path if there else None, at) for address, at, there in made]


def thing_of(what: str) -> tuple[str, int]:
    subject, _, number = what.partition(":")
    return subject, int(number)
