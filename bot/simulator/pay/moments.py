"""Times as Pay writes them: always those of China."""

import re
from datetime import UTC, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", re.ASCII)


def in_china(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, CHINA)


def rfc3339(moment: float) -> str:
    return in_china(moment).isoformat(timespec="seconds")


def read_rfc3339(written: str) -> float:
    """Seconds since 1970. Raises ValueError, also where the zone is missing."""
    if not RFC3339.fullmatch(written):
        raise ValueError(written)
    return datetime.fromisoformat(written).astimezone(UTC).timestamp()
