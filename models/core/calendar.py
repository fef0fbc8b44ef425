"""The one time zone of the people and of the days they mean."""

from datetime import datetime, timedelta, timezone

# Without daylight saving since 1991.
CHINA = timezone(timedelta(hours=8))


def day_in_china(at: datetime) -> str:
    """The day as a notice keeps it."""
    return at.astimezone(CHINA).date().isoformat()
