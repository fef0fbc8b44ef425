"""Show the file of one thing beside its pictures, to whom the chat shows it; each opening is recorded as there."""

import structlog
from flask import Blueprint, Response

from bot.web.desk.file_reader import FileReader
from bot.web.desk.queue import WITH_FILE, head_of
from bot.web.desk.sign_in import DeskParts
from bot.web.gallery import Galleries, OpenGallery
from bot.web.links import DeadLink
from bot.web.officer import is_looked_at, refuse_in_advance
from bot.web.pages import guarded
from models.core.refusal import Refusal
from models.oversight.pictures import NotForYou

log = structlog.get_logger()

# Above any row's id, and within the database's integers.
_LONGEST_NUMBER = 15


def add_files(blueprint: Blueprint, parts: DeskParts, reader: FileReader, galleries: Galleries) -> None:
    """Add the routes of a file, and of one of its pictures."""
    guard = parts.guard

    @blueprint.get("/desk/files/<subject>/<number>")
    def file(subject: str, number: str) -> Response:
        if answer := refuse_in_advance():
            return answer
        if not is_looked_at():
            return guarded(Response(status=405))
        if subject not in WITH_FILE or not _is_number(number):
            return _gone(parts, 404)
        with guard.seat() as seat:
            try:
                with seat.db.begin_nested():
                    read = reader.read(seat.db, seat.staff, f"{subject}:{int(number)}", guard.clock())
            except Refusal as refusal:
                log.info("desk.file_refused", subject=subject, why=refusal.code)
                return _gone(parts, 403)
        opened = [each for what in read.galleries if (each := _open(galleries, seat.staff.id, what))]
        values = {"words": read.words, "opened": opened, "what": subject, "number": int(number)}
        page = parts.show("desk/file", **values, **head_of(seat))
        for each in opened:
            galleries.record(each, seat.staff.id)
        return page

    @blueprint.get("/desk/picture/<token>")
    def picture(token: str) -> Response:
        with guard.seat() as seat:
            grant = galleries.links.read(galleries.picture, token)
        if grant.staff_id != seat.staff.id:
            raise NotForYou
        return galleries.one(grant)

    @blueprint.errorhandler(NotForYou)
    @blueprint.errorhandler(DeadLink)
    def not_yours(_: Exception) -> Response:
        log.warning("page.refused", page="desk", reason="not_in_charge")
        return _gone(parts, 403)


def _open(galleries: Galleries, staff_id: int, what: str) -> OpenGallery | None:
    """Open one of the galleries; None where the file may be read, and these pictures may not."""
    try:
        return galleries.open(staff_id, what)
    except NotForYou:
        return None


def _is_number(number: str) -> bool:
    return number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER


def _gone(parts: DeskParts, status: int) -> Response:
    return parts.show("desk/no_file", status)
