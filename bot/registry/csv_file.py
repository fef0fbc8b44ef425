"""Read a CSV file row by row in constant memory: UTF-8 or GB18030, any line ends, quoted newlines.

Rows are counted as a spreadsheet shows them: the header is row 1, an empty row counts. A quotation mark that is
never closed makes its own row bad and not those below it.
"""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from io import TextIOWrapper
from pathlib import Path
from typing import Self

# How many lines with non-ASCII characters are read to detect the encoding.
_TELLING = 1_000
# The most characters, and the most lines, of one row, so that an unclosed quoted cell ends.
_LONGEST_ROW = 65_536
_MOST_LINES = 50

Fields = tuple[str, ...]


class BadCsvFile(Exception):
    """The file as a whole cannot be used; the message says why, without its content."""


class CsvFile:
    """An open CSV file. ``columns``: those to read, in any order in the file; others are ignored.

    Raises BadCsvFile if one is missing. Bytes that are invalid in the file's encoding become lone surrogates.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.size = path.stat().st_size
        self.encoding = _encoding_of(path)
        self._again: deque[str] = deque()
        with ExitStack() as stack:
            self._raw = stack.enter_context(path.open("rb"))
            self._text = stack.enter_context(
                TextIOWrapper(self._raw, encoding=self.encoding, errors="surrogateescape", newline="")
            )
            self._read_header(columns)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def position(self) -> int:
        """Bytes read; some of them may not have been returned yet."""
        return self._raw.tell()

    def rows(self) -> Iterator[tuple[int, Fields | str]]:
        """Yield (row, the wanted fields in their order), or (row, why it is bad): columns, quotes or too_long."""
        number = 1
        while line := self._line():
            number += 1
            found = self._fields(line)
            if isinstance(found, str):
                yield number, found
            elif any(found):
                yield number, tuple(found[place] for place in self._places)

    def _read_header(self, columns: Sequence[str]) -> None:
        found = self._parse([self._line()]) or []
        names = [name.strip("\ufeff ").lower() for name in found]
        missing = [name for name in columns if name not in names]
        if missing:
            raise BadCsvFile(
                f"row 1 of the file lacks the columns {', '.join(missing)}; it wants a comma-separated header"
            )
        twice = [name for name in columns if names.count(name) > 1]
        if twice:
            raise BadCsvFile(f"row 1 of the file names {', '.join(twice)} more than once")
        self._width, self._places = len(names), [names.index(name) for name in columns]

    def _fields(self, first: str) -> list[str] | str:
        """Read the row that begins with this line. Of an unreadable row only its first line is consumed."""
        if len(first) >= _LONGEST_ROW:
            self._skip_rest_of(first)
            return "too_long"
        lines = [first]
        found = self._parse(lines)
        if found is not None and self._fits(found):
            return found[: self._width]
        self._again.extendleft(reversed(lines[1:]))
        return "quotes" if found is None else "columns"

    def _fits(self, found: list[str]) -> bool:
        """Tell whether the row fits the header. An empty row does, and one with empty cells at its end."""
        if not any(field.strip() for field in found):
            found[:] = [""] * self._width
        return len(found) >= self._width and not any(found[self._width :])

    def _parse(self, lines: list[str]) -> list[str] | None:
        """Parse these lines into cells, reading more lines while a quoted cell is open. None: quoted wrongly."""
        if '"' not in lines[0]:
            return lines[0].rstrip("\r\n").split(",")
        marks, length = lines[0].count('"'), len(lines[0])
        while marks % 2 and len(lines) < _MOST_LINES and length < _LONGEST_ROW:
            more = self._line()
            if not more:
                break
            lines.append(more)
            marks, length = marks + more.count('"'), length + len(more)
        try:
            [found] = csv.reader(["".join(lines)], strict=True)
        except (csv.Error, ValueError):
            return None
        return found

    def _line(self) -> str:
        """Return the next line with its line end; empty at the end of the file."""
        return self._again.popleft() if self._again else self._text.readline(_LONGEST_ROW)

    def _skip_rest_of(self, line: str) -> None:
        while line and not line.endswith(("\n", "\r")):
            line = self._line()


def _encoding_of(path: Path) -> str:
    """Detect the encoding by its lines: GB18030 text is hardly ever valid UTF-8, and UTF-8 text always is."""
    good = bad = 0
    begun = False
    with path.open(encoding="latin-1", newline="") as file:
        while good + bad < _TELLING and (line := file.readline(_LONGEST_ROW)):
            # A piece of an overlong line may begin or end within a character.
            piece, begun = begun or len(line) == _LONGEST_ROW, not line.endswith(("\n", "\r"))
            if piece or line.isascii():
                continue
            try:
                line.encode("latin-1").decode("utf-8-sig")
            except UnicodeDecodeError:
                bad += 1
            else:
                good += 1
    return "utf-8-sig" if good >= bad else "gb18030"
