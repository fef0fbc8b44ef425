"""Make words fit a template's field, by the type in its name (``thing1``).

Limits: the rules on the values of subscription and template messages
(csdn.net/wwwwrrrrwr/128147589); WeChat refuses the whole message over one field that breaks them (47003).
"""

import re
from collections.abc import Callable
from datetime import date

from bot.wechat.markup import clean
from config.signs import DAY, MONTH, YEAR, YUAN

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff"
_CLOCK = r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?"
_DAY = rf"\d{{4}}{YEAR}\d{{1,2}}{MONTH}\d{{1,2}}{DAY}"
_DAYS = re.compile(rf"(\d{{4}}){YEAR}(\d{{1,2}}){MONTH}(\d{{1,2}}){DAY}")
_THING, _PHRASE, _CODE = 20, 5, 32
_NAME_HAN, _NAME = 10, 20
# A day without a time, in a field that needs one, means the day's end.
_END_OF_DAY = " 23:59"


class BadField(Exception):
    """The words cannot be made to fit. ``field``: WeChat's name of it; the words themselves are not kept."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def fit_field(field: str, words: str) -> str:
    """Return the words on one line as this field may hold them, cut where its type allows. Raises BadField.

    A field of an unknown type may hold any line.
    """
    kind = field.rstrip("0123456789")
    line = " ".join(clean(words).split())
    fitted = _KINDS.get(kind, str)(line)
    shape = _SHAPES.get(kind)
    fits = shape.fullmatch(fitted) if shape else fitted
    if not fits or not all(_is_day(found) for found in _DAYS.finditer(fitted)):
        raise BadField(field)
    return fitted


def _cut(line: str, most: int) -> str:
    """Cut the line to so many characters, as a phone counts them: one outside the basic plane counts as two."""
    if _length(line) <= most:
        return line
    while _length(line) > most - 1:
        line = line[:-1]
    return line.rstrip() + "…"


def _length(line: str) -> int:
    return len(line.encode("utf-16-le")) // 2


def _thing(line: str) -> str:
    return _cut(line, _THING)


def _phrase(line: str) -> str:
    return re.sub(r"[\W_]", "", line)[:_PHRASE]


def _code(line: str) -> str:
    """Remove characters that a code may not hold; a long code is not cut, since it would be another code."""
    return re.sub(rf"[\s{_HAN}]", "", line)


def _number(line: str) -> str:
    return line.replace(",", "")


def _amount(line: str) -> str:
    return re.sub(r"[,\s]", "", line).replace("￥", "¥")


def _name(line: str) -> str:
    bare = re.sub(r"\d", "", line).strip()
    return bare[: _NAME_HAN if re.search(f"[{_HAN}]", bare) else _NAME].strip()


def _time(line: str) -> str:
    return line + _END_OF_DAY if re.fullmatch(_DAY, line, re.ASCII) else line


def _bare(line: str) -> str:
    return re.sub(r"\s", "", line)


_KINDS: dict[str, Callable[[str], str]] = {
    "thing": _thing,
    "const": _thing,
    "number": _number,
    "letter": _bare,
    "symbol": _bare,
    "character_string": _code,
    "phone_number": _bare,
    "car_number": _bare,
    "name": _name,
    "phrase": _phrase,
    "amount": _amount,
    "time": _time,
}
# Type -> what the fitted value must look like, whole.
_SHAPES = {
    kind: re.compile(shape, re.ASCII)
    for kind, shape in {
        "number": r"(?=.{1,32}$)-?\d+(\.\d+)?",
        "letter": r"[A-Za-z]{1,32}",
        "symbol": rf"[^A-Za-z0-9\s{_HAN}]{{1,5}}",
        "character_string": rf"[^\s{_HAN}]{{1,{_CODE}}}",
        "phone_number": r"[0-9+\-]{1,17}",
        "car_number": rf"[{_HAN}][A-Z][A-Za-z0-9{_HAN}]{{5,6}}",
        "name": rf"(?=.*[{_HAN}])[^\d]{{1,{_NAME_HAN}}}|[^\d{_HAN}]{{1,{_NAME}}}",
        "phrase": rf"[{_HAN}]{{1,{_PHRASE}}}",
        "amount": rf"[^\w\s{_HAN}]?(?=[\d.]{{1,11}}{YUAN}?$)\d{{1,10}}(\.\d{{1,2}})?{YUAN}?",
        "time": rf"({_DAY} )?{_CLOCK}",
        "date": rf"{_DAY}( {_CLOCK})?",
    }.items()
}


def _is_day(found: re.Match[str]) -> bool:
    try:
        date(*(int(part) for part in found.groups()))
    except ValueError:
        return False
    return True
