"""Read and write times as the platform does: in China's time, with the zone in the API and without it in bills."""

import re
from datetime import UTC, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


def written(moment: datetime) -> str:
    """Write a time in RFC 3339, to the second."""
    return moment.astimezone(CHINA).isoformat(timespec="seconds")


def read_local(text: str) -> datetime:
    """Read a time in China, such as ``2026-11-25 12:00:00``. Raises ValueError."""
    if not _LOCAL.fullmatch(text) or text < "2010":
        raise ValueError("no moment")
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).astimezone(UTC)
