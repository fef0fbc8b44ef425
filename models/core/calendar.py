"""Define China's time zone, in which the product counts days."""

from datetime import date, datetime, time, timedelta, timezone

# A fixed offset: China has had no daylight saving since 1991.
CHINA = timezone(timedelta(hours=8))
LAST_SECOND = time(23, 59, 59)


def day_in_china(at: datetime) -> str:
    """Write the day in China as ISO 8601, as a notification's facts hold it."""
    return at.astimezone(CHINA).date().isoformat()


def start_of_day(at: datetime) -> datetime:
    """Return the midnight with which the day in China of ``at`` begins."""
    return datetime.combine(at.astimezone(CHINA).date(), time(), CHINA)


def start_of_day_of(day: date) -> datetime:
    """Return the midnight with which this day begins in China."""
    return datetime.combine(day, time(), CHINA)


def last_day_before(until: datetime) -> date:
    """Return the last day in China of which a part comes before ``until``: a midnight belongs to the day it ends."""
    return (until - timedelta(microseconds=1)).astimezone(CHINA).date()


def end_of_day(at: datetime, days_on: int = 0) -> datetime:
    """Return the last second of the day in China, so many days after ``at``."""
    return datetime.combine(at.astimezone(CHINA).date() + timedelta(days=days_on), LAST_SECOND, CHINA)
