"""Say what a check found, and what is to be done about it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """``found`` and ``do`` are words for the operator, with no secret and no personal data in them."""

    level: Level
    found: str
    do: str = ""


def ok(found: str) -> Finding:
    return Finding(Level.OK, found)


def warn(found: str, do: str) -> Finding:
    return Finding(Level.WARN, found, do)


def bad(found: str, do: str) -> Finding:
    return Finding(Level.BAD, found, do)


def told_by(amount: float, warn_from: float, bad_from: float) -> Level:
    """Grade a figure of which more is worse."""
    if amount >= bad_from:
        return Level.BAD
    return Level.WARN if amount >= warn_from else Level.OK


def duration(seconds: float) -> str:
    """Say a duration in its largest unit, as in ``3 hours``."""
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
