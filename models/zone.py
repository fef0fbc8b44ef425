"""The one time zone of the people and of the days they mean."""

from datetime import timedelta, timezone

# Without daylight saving since 1991.
CHINA = timezone(timedelta(hours=8))
