"""Write a table as a spreadsheet for Excel, row by row: every text is a text, whatever it begins with."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from models.core.calendar import CHINA

MIMETYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Cell = str | int | datetime

# Rows are written as they come. A text that begins like a formula or an address is what its author wrote, and no more.
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_DAY = "yyyy-mm-dd"
_PIECE = 1 << 16


def spreadsheet(header: Sequence[str], rows: Iterable[Sequence[Cell]], widths: Sequence[int]) -> Generator[bytes]:
    """Write the table to a temporary file and hand it out in pieces; the file goes with the last one, or on a failure.

    Times are shown as days in China. ``widths``: of the columns, in characters. Nothing is written before the first
    piece is asked for, and then all of it.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bangfu-desk-")))
        file = folder / "list.xlsx"
        with closing(Workbook(str(file), {**_OPTIONS, "tmpdir": str(folder)})) as book:
            _fill(book, header, rows, widths)
        yield from _pieces(stack.enter_context(file.open("rb")))


def _fill(book: Workbook, header: Sequence[str], rows: Iterable[Sequence[Cell]], widths: Sequence[int]) -> None:
    sheet: Worksheet = book.add_worksheet()
    bold, day = book.add_format({"bold": True}), book.add_format({"num_format": _DAY, "align": "left"})
    sheet.freeze_panes(1, 0)
    for column, (title, width) in enumerate(zip(header, widths, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, title, bold)
    for line, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(line, column, cell)
            elif isinstance(cell, datetime):
                sheet.write_datetime(line, column, cell.astimezone(CHINA).replace(tzinfo=None), day)
            else:
                sheet.write_number(line, column, cell)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
