"""The fields of templates: what each may hold by the type in its name, and how a message shows them.

Sources: the rules on values of subscription messages (csdn.net/wwwwrrrrwr/128147589
has them for templates as well). A field is named after its type: ``thing1``, ``amount3``.
"""

import json
import re
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bot.simulator.errors import ApiError

_SIGNS = tomllib.loads((Path(__file__).parents[2] / "config" / "signs.toml").read_text(encoding="utf-8"))
YEAR, MONTH, DAY, YUAN = (_SIGNS[name] for name in ("year", "month", "day", "yuan"))
_HAN = r"\u4e00-\u9fff\u3400-\u4dbf"
_CLOCK = r"([01]?\d|2[0-3])[:：][0-5]\d([:：][0-5]\d)?"
_PART = r"(\d{1,2})"
_DATE = rf"(\d{{4}})(?:{YEAR}{_PART}{MONTH}{_PART}{DAY}|-{_PART}-{_PART}|/{_PART}/{_PART})"
_PLACE = re.compile(r"\{\{\s*(\w+)\.DATA\s*\}\}")
_DAY = re.compile(_DATE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

# Type -> what the whole value must look like. Lengths are in characters.
SHAPES = {
    "thing": r".{1,20}",
    "const": r".{1,20}",
    "number": r"(?=.{1,32}$)-?\d+(\.\d+)?",
    "letter": r"[A-Za-z]{1,32}",
    "symbol": rf"[^A-Za-z0-9\s{_HAN}]{{1,5}}",
    "character_string": rf"[^\s{_HAN}]{{1,32}}",
    "phone_number": r"[0-9+\-() ,#*]{1,17}",
    "car_number": rf"(?=.{{1,8}}$)[{_HAN}A-Z0-9][A-Za-z0-9]*[{_HAN}A-Za-z0-9]",
    "name": rf"(?=.*[{_HAN}])[^\d]{{1,10}}|[^\d{_HAN}]{{1,20}}",
    "phrase": rf"[{_HAN}]{{1,5}}",
    "amount": rf"[^\w\s{_HAN}]?(?=[\d.]{{1,11}}{YUAN}?$)\d{{1,10}}(\.\d{{1,2}})?{YUAN}?",
    "time": rf"({_DATE}\s*)?{_CLOCK}(\s*~\s*({_DATE}\s*)?{_CLOCK})?",
    "date": rf"{_DATE}(\s*{_CLOCK})?(\s*~\s*{_DATE}(\s*{_CLOCK})?)?",
}
WITH_DAYS = {"time", "date"}


@dataclass(frozen=True)
class Template:
    """``content`` is the console's: one ``label:{{thing1.DATA}}`` a line. ``short_id``: its number in the library.

    ``long_term`` is for subscription notices: consent once, and any number of sends.
    """

    template_id: str
    title: str
    content: str
    example: str = ""
    short_id: str = ""
    long_term: bool = False

    def fields(self) -> list[tuple[str, str]]:
        """(label, field) by line."""
        found = []
        for line in self.content.splitlines():
            if place := _PLACE.search(line):
                found.append((line[: place.start()].strip().rstrip(":："), place[1]))
        return found


@dataclass(frozen=True)
class Paper:
    """The templates that an account starts with. ``library``: what it may add."""

    own: tuple[Template, ...] = ()
    library: tuple[Template, ...] = ()
    subscriptions: tuple[Template, ...] = ()


def read_templates(path: Path) -> Paper:
    """From a JSON object of lists (``own``, ``library``, ``subscriptions``) of objects with ``Template``'s fields.

    Raises OSError where the file cannot be read, ValueError where it does not fit.
    """
    try:
        lists = json.loads(path.read_text(encoding="utf-8"))
        return Paper(**{name: tuple(Template(**row) for row in rows) for name, rows in lists.items()})
    except (AttributeError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error


def read_fields(template: Template, data: Any) -> list[dict[str, str]]:
    """The message's lines, ``[{"name", "value"}]``; what the template does not have is left out.

    Raises ApiError 47001 for what is no object, 47003 naming the field.
    """
    if not isinstance(data, dict):
        raise ApiError(47001)
    lines = []
    for label, field in template.fields():
        given = data.get(field)
        value = given.get("value") if isinstance(given, dict) else None
        if not isinstance(value, str | int | float) or isinstance(value, bool) or value == "":
            raise wrong(field, "empty")
        if not fits(field, str(value)):
            raise wrong(field, "invalid")
        lines.append({"name": label, "value": str(value)})
    return lines


def fits(field: str, value: str) -> bool:
    """Whether the field's type allows the value. A field of no known type takes anything."""
    kind = re.sub(r"\d+$", "", field)
    if kind not in SHAPES:
        return True
    if _CONTROL.search(value) or not re.fullmatch(SHAPES[kind], value, re.ASCII):
        return False
    return kind not in WITH_DAYS or all(_is_day(found) for found in _DAY.finditer(value))


def wrong(field: str, how: str) -> ApiError:
    return ApiError(47003, f"argument invalid! data.{field}.value is {how}")


def _is_day(found: re.Match[str]) -> bool:
    year, month, day = (int(part) for part in found.groups() if part)
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
