"""Read a row of the registry, or give the one reason why it is bad: a constant code, never its content."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from bot.registry.csv_file import Fields
from flows.readers.numbers.id_number import fault_of, read_id_number
from models.verification.registry import fold_name

COLUMNS = ("id_number", "name", "region_code", "status", "source", "as_of")

REASONS = {
    "columns": "has more or fewer cells than the header has columns",
    "quotes": "has a quotation mark in the wrong place or one that is not closed",
    "too_long": "is longer than any row should be",
    "encoding": "holds bytes that are no characters in the file's encoding",
    "unprintable": "holds control characters",
    "id_length": "its ID number is not 18 figures long (the old ones of 15 are not taken)",
    "id_date": "its ID number holds no such birthday",
    "id_checksum": "the last place of its ID number does not fit the others: a slip of the finger",
    "name_missing": "has no name",
    "name_too_long": "its name has more than 60 characters",
    "region_malformed": "its region is not a code of 12, 9 or 6 figures",
    "region_unknown": "its region is not among those that import-regions loaded",
    "status_missing": "has no status",
    "status_too_long": "its status has more than 40 characters",
    "source_missing": "has no source",
    "source_too_long": "its source has more than 60 characters",
    "as_of_unreadable": "its as_of is no day such as 2026-01-05, 2026/1/5 or 20260105",
    "as_of_future": "its as_of is a day to come",
}

_LONGEST = {"name": 60, "status": 40, "source": 60}
_LOST = re.compile("[\ud800-\udfff\ufffd]")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_REGION = re.compile("[0-9]{12}|[0-9]{9}|[0-9]{6}")
_DAY = re.compile(
    "([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})|([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})|([0-9]{4})([0-9]{2})([0-9]{2})"
)


@dataclass(slots=True, repr=False)
class Entry:
    """A good row. It has no repr, since it is personal data."""

    id_number: str
    name: str
    region_code: str
    status: str
    source: str
    as_of: date


def read_row(fields: Fields, today: date) -> Entry | str:
    """Read ``fields`` in the order of COLUMNS; of a bad row return the reason. The region is not looked up."""
    words = [" ".join(field.split()) for field in fields]
    if damage := _damage("".join(words)):
        return damage
    number, name, region, status, source, day = words
    number = read_id_number(number)
    if fault := fault_of(number, today) or _fault_of_words(name=name, status=status, source=source):
        return fault
    code = _folded(region)
    if not _REGION.fullmatch(code):
        return "region_malformed"
    as_of = _read_day(_folded(day))
    if as_of is None or as_of > today:
        return "as_of_future" if as_of else "as_of_unreadable"
    return Entry(number, name, code.ljust(12, "0"), status, source, as_of)


def _damage(text: str) -> str | None:
    if text.isprintable():
        return None
    if _LOST.search(text):
        return "encoding"
    # Rare characters of names that Python's Unicode data lack are not printable either, but allowed.
    return "unprintable" if _CONTROLS.search(text) else None


def _fault_of_words(**words: str) -> str | None:
    for name, text in words.items():
        if not text or (name == "name" and not text.isalpha() and not fold_name(text)):
            return f"{name}_missing"
        if len(text) > _LONGEST[name]:
            return f"{name}_too_long"
    return None


def _folded(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


@lru_cache(maxsize=1024)
def _read_day(text: str) -> date | None:
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups() if part)
    try:
        return date(year, month, day)
    except ValueError:
        return None
