"""Compare the clocks: this machine's, the database's and WeChat's."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from sqlalchemy import text

from bot.upkeep.checks.finding import Finding, Level, bad, told_by, warn
from bot.upkeep.checks.installation import Installation
from bot.wechat.client import TIMEOUT
from bot.work.clock import true_now

_DATABASE = text("SELECT clock_timestamp()")
# Seconds. WeChat's deliveries, and WeChat Pay's callbacks, are refused when they seem 300 seconds off.
_NOTED, _TOO_FAR = 5.0, 120.0
_DO = "have NTP set this machine's clock (timedatectl; systemctl enable --now systemd-timesyncd), or the other's"


def check_database_clock(installation: Installation) -> Iterator[Finding]:
    with installation.database.connect() as connection:
        before, theirs, after = true_now(), connection.execute(_DATABASE).scalar_one(), true_now()
    yield _compared("the database's clock", theirs, before, after)


def check_wechat_clock(installation: Installation) -> Iterator[Finding]:
    """Compare with the Date of WeChat's answer, which is exact to a second."""
    before = true_now()
    address = installation.settings.wechat_api_url
    with installation.http.get(address, timeout=TIMEOUT, allow_redirects=False, stream=True) as response:
        given, after = response.headers.get("Date"), true_now()
    if given is None:
        yield warn("WeChat's answer has no date", f"does {address} lead to WeChat?")
        return
    theirs = parsedate_to_datetime(given)
    if theirs.tzinfo is None:
        yield bad("WeChat's answer has no readable date", f"does {address} lead to WeChat?")
        return
    yield _compared("WeChat's clock", theirs, before, after)


def _compared(whose: str, theirs: datetime, before: datetime, after: datetime) -> Finding:
    """Compare with the nearest moment at which the answer may have been made."""
    nearest = min(max(theirs.astimezone(UTC), before), after)
    ahead = (nearest - theirs).total_seconds()
    level = told_by(abs(ahead), _NOTED, _TOO_FAR)
    words = f"this machine's clock and {whose} differ by {abs(ahead):.0f} seconds"
    return Finding(
        level, words, "" if level is Level.OK else f"{_DO}: this one is {'ahead' if ahead > 0 else 'behind'}"
    )
