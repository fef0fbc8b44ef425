"""Times as the platform writes them: always those of China, with the zone in the API and without it in bills."""

from datetime import UTC, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))


def written(moment: datetime) -> str:
    """RFC 3339, to the second."""
    return moment.astimezone(CHINA).isoformat(timespec="seconds")


def read_local(text: str) -> datetime:
    """``2026-11-25 12:00:00`` in China. Raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA).astimezone(UTC)
