"""Define China's time zone, in which the product counts days."""

from datetime import datetime, timedelta, timezone

# A fixed offset: China has had no daylight saving since 1991.
CHINA = timezone(timedelta(hours=8))


def day_in_china(at: datetime) -> str:
    """Write the day in China as ISO 8601, as a notification's facts hold it."""
    return at.astimezone(CHINA).date().isoformat()
