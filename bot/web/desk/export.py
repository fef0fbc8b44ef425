"""Send the queue as a spreadsheet: what the page shows, no sealed field, and each download recorded as a look."""

from collections.abc import Generator
from itertools import chain
from typing import Any

import structlog
from flask import Blueprint, Response
from werkzeug.wsgi import ClosingIterator

from bot.web.desk.queue import chosen_kind
from bot.web.desk.sign_in import DeskParts
from bot.web.desk.spreadsheet import MIMETYPE, Cell, spreadsheet
from bot.web.officer import is_looked_at, refuse_in_advance
from bot.web.pages import guarded
from models.desk.export import list_for_export
from models.desk.rows import Row

log = structlog.get_logger()

LIST = "/desk/list.xlsx"
_WORDS = "shared/desk/kinds.txt"
_WIDTHS = (10, 8, 22, 12, 8, 14, 40)


def add_export(blueprint: Blueprint, parts: DeskParts) -> None:
    """Add the route of the spreadsheet."""
    guard = parts.guard

    @blueprint.get(LIST)
    def sheet() -> Response:
        if answer := refuse_in_advance():
            return answer
        if not is_looked_at():
            return guarded(Response(status=405))
        what = chosen_kind()
        with guard.seat() as seat:
            rows = list_for_export(seat.db, seat.staff, what, guard.clock())
        words = parts.pages.words(_WORDS)
        pieces = spreadsheet(words.columns, (_cells(words, row) for row in rows), _WIDTHS)
        # All of it is written before anything goes out: a failure is a failed request, and no broken file.
        response = guarded(Response(_begun(pieces), mimetype=MIMETYPE))
        response.headers["Content-Disposition"] = f'attachment; filename="bangfu-{what or "all"}.xlsx"'
        log.info("desk.exported", staff=seat.staff.id, kind=what or "all", rows=len(rows))
        return response


def _cells(words: Any, row: Row) -> list[Cell]:
    """Return the cells of a line, in the order of the template's ``columns``."""
    late = words.urgent if row.is_urgent else words.late if row.is_late else ""
    step, whose = str(words.step(row)).strip(), str(words.whose(row)).strip()
    return [words.kind[row.what], row.number, step, row.due_at, late, whose, row.place]


def _begun(pieces: Generator[bytes]) -> ClosingIterator:
    """Take the first piece now, so that a failure comes before the response; closing that closes the generator."""
    return ClosingIterator(chain([next(pieces, b"")], pieces), [pieces.close])
