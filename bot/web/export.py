"""Serve a copy of everything that is known about a person: a page in plain words, and a file with all of it.

The address opens nothing by itself: it leads to WeChat and back, and only the person who asked sees the copy, for as
long as their request is ready. Each opening is recorded in the trail.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import structlog
from flask import Blueprint, Response
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.photos.files import PhotoFiles
from bot.storage.interface import NoSuchFile, StorageTrouble
from bot.web.links import DeadLink, Links
from bot.web.pages import Pages, guarded
from bot.web.visitor import IsTheirs, Visitors, VisitRefused
from models.people.conversation import Conversation
from models.rights.export import Person, export_person, find_person, hide_places
from models.rights.overview import show_person
from models.rights.request import RightsRequest, find_openable, record_opening

log = structlog.get_logger()

NAME = "bangfu-my-data.json"
# While a copy is written, more than this of it is on the disk. The server (bot.web.buffered) gathers it to send it.
_IN_MEMORY = 1 << 20
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class ExportPageParts:
    database: Engine
    pages: Pages
    links: Links
    visitors: Visitors
    photos: PhotoFiles
    clock: Callable[[], datetime]


def export_page(parts: ExportPageParts) -> Blueprint:
    """Make the routes of ``/mydata/<token>`` and of its file."""
    blueprint = Blueprint("export", __name__)

    @blueprint.get("/mydata/<token>")
    def show(token: str) -> Response:
        number = _number(parts, token)
        if redirect := parts.visitors.redirect(f"/mydata/{token}", _asked(number)):
            return redirect
        with Session(parts.database, expire_on_commit=False) as db, db.begin():
            request = _open(db, number, "page", parts.clock())
            overview = show_person(db, find_person(db, request.conversation_id))
            known, proved = overview.user.id_number if overview.user else None, request.is_proved
            shown = known if proved else hide_places(known)
            values = {"overview": overview, "until": request.until, "id_number": shown, "proved": proved}
        file = f"/mydata/{token}/json"
        return parts.pages.show("rights/export", **values, now=parts.clock(), file=file)

    @blueprint.get("/mydata/<token>/json")
    def file(token: str) -> Response:
        number = _number(parts, token)
        if parts.visitors.find(_asked(number)) is None:
            raise VisitRefused("not_yours")
        with Session(parts.database) as db, db.begin():
            request = _open(db, number, "file", parts.clock())
            person, proved = find_person(db, request.conversation_id), request.is_proved
        response = guarded(Response(_pieces(_write(parts, person, proved)), mimetype="application/json"))
        response.headers["Content-Disposition"] = f'attachment; filename="{NAME}"'
        return response

    @blueprint.errorhandler(VisitRefused)
    def refuse(refused: VisitRefused) -> Response:
        log.info("export_page.refused", reason=refused.reason)
        return parts.pages.show("rights/export_gone", refused.status, reason=refused.reason)

    return blueprint


def _number(parts: ExportPageParts, token: str) -> int:
    """Return the request's number. Raises VisitRefused: forged, or over."""
    try:
        number = parts.links.read("export", token).number
    except DeadLink as dead:
        raise VisitRefused(dead.reason) from None
    with Session(parts.database) as db:
        if find_openable(db, number, parts.clock()) is None:
            raise VisitRefused("over")
    return number


def _asked(number: int) -> IsTheirs:
    """Build the condition that a conversation is the one that asked for the copy."""

    def is_theirs(db: Session, conversation: Conversation) -> bool:
        request = db.get(RightsRequest, number)
        return request is not None and request.conversation_id == conversation.id

    return is_theirs


def _open(db: Session, number: int, what: str, now: datetime) -> RightsRequest:
    """Record the opening and return the request. Raises VisitRefused."""
    request = find_openable(db, number, now)
    if request is None:
        raise VisitRefused("over")
    if not record_opening(db, request, what, now):
        raise VisitRefused("too_often")
    log.info("export.opened", request=number, what=what)
    return request


def _write(parts: ExportPageParts, person: Person, proved: bool) -> IO[bytes]:
    """Write the copy as the database has it at one moment; nobody who reads it slowly holds up the database."""
    reading = parts.database.connect().execution_options(isolation_level="REPEATABLE READ")
    with ExitStack() as undo:
        file = undo.enter_context(SpooledTemporaryFile(_IN_MEMORY))
        with reading, Session(reading) as db, closing(export_person(db, person, proved=proved)) as rows:
            file.write(json.dumps({"made_at": parts.clock().isoformat()})[:-1].encode())
            last = ""
            for table, row in rows:
                start = "," if table == last else f'{"]" if last else ""},"{table}":['
                file.write(f"{start}\n{_line(parts.photos, table, row)}".encode())
                last = table
            file.write(b"]}\n" if last else b"}\n")
        file.seek(0)
        undo.pop_all()  # it is whole, and stays open until it is sent
    return file


def _line(photos: PhotoFiles, table: str, row: dict[str, Any]) -> str:
    if table == "photos":
        row = {**row, "path": None, "jpeg": _picture(photos, row["path"])}
    return json.dumps(row, ensure_ascii=False)


def _picture(photos: PhotoFiles, path: str | None) -> str | None:
    """Return a picture in base64; None where none is to be had: not fetched yet, lost, or damaged.

    Raises VisitRefused while the storage is away: a copy without the pictures would seem to be whole.
    """
    try:
        return b64encode(photos.read(path)).decode() if path else None
    except NoSuchFile:
        return None
    except StorageTrouble:
        raise VisitRefused("trouble", 503) from None


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece
