"""Times as the platform writes them: always those of China, with the zone in the API and without it in bills."""

import re
from datetime import UTC, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


def written(moment: datetime) -> str:
    """RFC 3339, to the second."""
    return moment.astimezone(CHINA).isoformat(timespec="seconds")


def read_local(text: str) -> datetime:
    """``2026-11-25 12:00:00`` in China. Raises ValueError."""
    if not _LOCAL.fullmatch(text) or text < "2010":
        raise ValueError("no moment")
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).astimezone(UTC)
