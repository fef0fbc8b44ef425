"""Read the rows of a file of regions, and check them before any is written."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from models.places.region import LEVELS, level_of, parents

_COLUMNS = ("valid_from", "valid_to", "successor")
_UNTOLD: Mapping[str, Any] = MappingProxyType({})


class BadRegions(Exception):
    """A row's code, level, parent, dates or successor is wrong; the message names the line."""


class Row(NamedTuple):
    """A row of the file. ``history``: valid_from, valid_to and successor, without the columns that the file lacks."""

    code: str
    name: str
    level: str
    file: str = ""
    line: int = 0
    history: Mapping[str, Any] = _UNTOLD

    def refuse(self, why: str) -> BadRegions:
        return BadRegions(f"{self.file}, line {self.line}: {why}")


class Past(NamedTuple):
    """A region's history. ``successor`` has a meaning only with ``valid_to``."""

    valid_from: date | None = None
    valid_to: date | None = None
    successor: str | None = None


def read_regions(path: Path) -> Iterator[Row]:
    """Read a CSV file with the columns code, name and level, and perhaps those of the history.

    Raises BadRegions.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        told = [column for column in _COLUMNS if column in (reader.fieldnames or ())]
        for line, cells in enumerate(reader, 2):
            code, name, level = ((cells.get(column) or "").strip() for column in ("code", "name", "level"))
            row = Row(code, name, level, path.name, line)
            if not (_is_code(code) and name and level in LEVELS):
                raise row.refuse(f"wants a 12-digit code, a name, and a level of {LEVELS}")
            if level_of(code) != level:
                raise row.refuse(f"{code} is the code of a {level_of(code)}, not a {level}")
            history = {column: _told(row, column, (cells.get(column) or "").strip()) for column in told}
            yield row._replace(history=history) if history else row


def merge(rows: Iterable[Row], past: Mapping[str, Past]) -> dict[str, Past]:
    """Return code -> its history after the import, for those that have one."""
    after = dict(past)
    for row in rows:
        if row.history:
            after[row.code] = after.get(row.code, Past())._replace(**row.history)
    return after


def check(rows: Iterable[Row], names: Mapping[str, str], past: Mapping[str, Past], today: date) -> None:
    """Check the rows against the table's ``names`` and ``past``. Raises BadRegions for the first wrong row."""
    known: dict[str, Row | None] = dict.fromkeys(names)
    for row in rows:
        missing = [parent for parent in parents(row.code) if parent not in known]
        if missing:
            raise row.refuse(f"{row.code}: what it belongs to, {missing[0]}, has to be loaded before it")
        if known.get(row.code):
            raise row.refuse(f"{row.code} is there a second time")
        known[row.code] = row
    after = merge(rows, past)
    for row in rows:
        if row.history:
            _check_past(row, after[row.code], known, today)
    sound: set[str] = set()
    for code, own in after.items():
        if own.successor:
            _check_chain(code, after, known, sound)
    _check_below(after, known)


def _is_code(text: str) -> bool:
    return len(text) == 12 and text.isascii() and text.isdigit()


def _told(row: Row, column: str, cell: str) -> date | str | None:
    if not cell:
        return None
    if column == "successor":
        if not _is_code(cell):
            raise row.refuse("successor wants a 12-digit code")
        return cell
    try:
        return date.fromisoformat(cell)
    except ValueError:
        raise row.refuse(f"{column} wants a date such as 2026-01-31") from None


def _check_past(row: Row, own: Past, known: Mapping[str, Row | None], today: date) -> None:
    for name, day in (("valid_from", own.valid_from), ("valid_to", own.valid_to)):
        if day and day > today:
            raise row.refuse(f"{name} lies ahead; load it from that day on")
    if own.valid_from and own.valid_to and own.valid_to <= own.valid_from:
        raise row.refuse("valid_to has to come after valid_from")
    if own.successor is None:
        return
    if own.valid_to is None:
        raise row.refuse("a successor is of one that has ended; say with valid_to when")
    if own.successor not in known:
        raise row.refuse(f"its successor, {own.successor}, is neither in the file nor loaded")
    level = level_of(own.successor)
    if LEVELS.index(level) > LEVELS.index(row.level):
        raise row.refuse(f"its successor, {own.successor}, is a {level}: it has to be a {row.level} or wider")


def _check_chain(code: str, after: Mapping[str, Past], known: Mapping[str, Row | None], sound: set[str]) -> None:
    """Check that the chain of successors ends in a region of today. ``sound``: codes of which this is known."""
    path: list[str] = []
    here: str | None = code
    while here not in sound and here is not None and (own := after.get(here, Past())).valid_to:
        if here in path:
            raise _blame(path, known, f"{code} comes back to {here}: no region may succeed itself")
        path.append(here)
        here = own.successor
    if here is None:
        raise _blame(path[::-1], known, f"{code} leads to {path[-1]}, which has ended without a successor")
    sound.update(path)


def _blame(codes: Iterable[str], known: Mapping[str, Row | None], why: str) -> BadRegions:
    """Refuse the first of these codes that is in the file: without its row the table would be as it was."""
    rows = (known.get(code) for code in codes)
    row = next((row for row in rows if row and row.history), None)
    return row.refuse(why) if row else BadRegions(why)


def _check_below(after: Mapping[str, Past], known: Mapping[str, Row | None]) -> None:
    """Check that all regions below an ended one have ended too: else no officer of today would cover them."""
    ended = {code for code, own in after.items() if own.valid_to}
    wide = {code for code in ended if level_of(code) != LEVELS[-1]}
    for code in known.keys() - ended if wide else ():
        for parent in parents(code):
            row = known[parent] or known[code]
            if parent in wide and row:
                raise row.refuse(f"{parent} has ended, and {code} below it has not: say when, and what it went into")
