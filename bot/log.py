"""Configure logging: one line for each event, with ids and step names, never with what people wrote.

Events have constant names (``turn.failed``) and their facts as fields. Logs are kept longer
and read by more people than the database, so three guards enforce that:

- fields named like content are withheld, and of objects only the kind is written;
- what is not ASCII is struck out everywhere: our ids and step names are ASCII, people's words are not;
- a traceback shows where and which kind of error, no variables, and only the first line of the
  error's words: PostgreSQL's second line quotes the row.
"""

import logging
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from structlog.typing import EventDict, WrappedLogger

CONTENT_KEYS = frozenset(
    {"text", "name", "phone", "id_number", "story", "content", "body", "xml", "reply", "answer", "answers", "address"}
    | {"secret", "token", "access_token", "password"}
)

_STRUCK = "***"
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_LONG_NUMBER = re.compile(r"(?<![0-9A-Za-z-])\d{7,}[Xx]?(?![0-9A-Za-z-])")
# A phone, an ID number or a card in groups (138 0000-0000) or digit by digit, which no date, time or UUID is.
_GROUPED_NUMBER = re.compile(
    r"(?<![0-9A-Za-z-])(?!\d{8}-\d{4}-)(?:\d{3,}(?:[ -]\d{3,}){1,5}|\d(?: \d){6,})[Xx]?(?![0-9A-Za-z-])"
)
# A phone, an ID number or a card in any pieces (+86-138-0000-0000, 138.0000.0000), also with what is not ASCII between
# them, which is struck itself; and what is written in pieces as well, and stays: a UUID, an address, a date.
_APART = r"(?:[ \t._/()-]{1,3}|[^\x00-\x7f]{1,2})?"
_KEPT = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{1,3}(?:\.\d{1,3}){3}(?![.\d])|\d{4}-\d\d-\d\d(?!\d)"
_SPREAD_NUMBER = re.compile(
    rf"(?P<kept>{_KEPT})|(?<![0-9])(?:1{_APART}[3-9](?:{_APART}[0-9]){{9}}|[0-9](?:{_APART}[0-9]){{14,20}}[Xx]?)(?![0-9])"
)
# A phone or an ID number that letters adjoin, as in ID430524190001010014.
_PERSONS_NUMBER = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{17}[\dXx])(?!\d)")
# Whoever has such an address can open it, or prove there who they are: a gift, pictures, a card, a person's data
# (tests/house/test_routes.py has all routes).
_LINK = re.compile(
    r"(/(?:pay(?:/orders)?|trace|pictures?|cards|parcels|points|collect|thanks(?:-photo)?|order-photos?|subscribe|mydata|reading)/"
    r"|/preview(?:-photo)?/|/desk/picture/)[^\s/?#'\"\])]+"
)
_CREDENTIALS = re.compile(
    r"((?:access_token|secret|appsecret|signature|ticket|password|code)=)[^&\s'\"]+|(://)[^@/\s]*(?=@)", re.IGNORECASE
)


def configure_logging(*, json: bool, level: str = "INFO") -> None:
    """Configure logging for this process; calling it again is harmless.

    ``json``: write a JSON object a line, else lines for a terminal.

    Everything goes to standard error. Of other libraries, warnings and worse are shown.
    """
    render = structlog.processors.JSONRenderer() if json else _terminal()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            write_traceback,
            withhold_content,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Asked for at each event, because standard error may have been replaced in between.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, _ToStructlog)]:
        root.removeHandler(handler)
    root.addHandler(_ToStructlog(max(logging.WARNING, logging.getLevelNamesMapping()[level])))


def _terminal() -> structlog.dev.ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, sort_keys=False
    )


class _ToStructlog(logging.Handler):
    """Pass the standard library's records to structlog. Their messages are free text: see ``strike_out``."""

    def emit(self, record: logging.LogRecord) -> None:
        level = min(record.levelno // 10 * 10, logging.CRITICAL)
        words = strike_out(record.getMessage())
        structlog.get_logger().log(level, words, logger=record.name, exc_info=record.exc_info)


def withhold_content(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Remove content from the event's fields, and name the fields that were withheld."""
    withheld = sorted(CONTENT_KEYS & event.keys())
    kept = {key: _harmless(value) for key, value in event.items() if key not in CONTENT_KEYS}
    return {**kept, "withheld": withheld} if withheld else kept


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else _FOREIGN.sub(_STRUCK, value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _harmless(item) for key, item in value.items() if key not in CONTENT_KEYS}
    if isinstance(value, list | tuple | set | frozenset):
        return [_harmless(item) for item in value]
    if isinstance(value, date | UUID | Path):
        return _harmless(str(value))
    return f"<{type(value).__name__}>"


def strike_out(words: str) -> str:
    """Strike out of free text what could be personal or secret: non-ASCII, long numbers, tokens, links, passwords."""
    words = _LINK.sub(rf"\1{_STRUCK}", _CREDENTIALS.sub(rf"\1\2{_STRUCK}", words))
    words = _SPREAD_NUMBER.sub(lambda found: found["kept"] or _STRUCK, words)
    for pattern in (_FOREIGN, _GROUPED_NUMBER, _LONG_NUMBER, _PERSONS_NUMBER):
        words = pattern.sub(_STRUCK, words)
    return words


def write_traceback(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Turn ``exc_info`` (True, an exception, or the usual three) into the text of ``exception``."""
    given = event.pop("exc_info", None)
    error = sys.exception() if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(_describe(each) for each in reversed(list(_causes(error))))
    return event


def _describe(error: BaseException) -> str:
    frames = "".join(traceback.format_tb(error.__traceback__))
    words = str(error).partition("\n")[0]
    return f"{frames}{type(error).__module__}.{type(error).__qualname__}: {strike_out(words)}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and its causes, as Python itself would show them."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
