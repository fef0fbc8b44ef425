"""Give each process the time by which the bot acts: the true time, which only the demo may shift.

The shift (``demo.clock.ahead``, in seconds, negative for the past) stands in the demo's own embedded database, so that
web process, worker and scheduler have one time. No route sets it: the demo's simulator does (``bot.demo.clock``).
Signatures, tokens and time-outs towards WeChat and WeChat Pay, and what Redis holds, keep ``true_now``.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from config.settings import Environment, Settings

log = structlog.get_logger()

Clock = Callable[[], datetime]

_AHEAD = text("SELECT ahead FROM demo.clock")


def true_now() -> datetime:
    return datetime.now(UTC)


def clock_of(settings: Settings, database: Engine) -> Clock:
    """Return the process's clock: the true one, unless BANGFU_ENV=demo runs on the demo's own embedded database."""
    if settings.bangfu_env is Environment.DEMO and settings.has_own_database:
        return DemoClock(database)
    return true_now


class DemoClock:
    """The true time, shifted as the demo's database says at this moment. Safe to call from several threads."""

    def __init__(self, database: Engine, true: Clock = true_now) -> None:
        self._database = database.execution_options(isolation_level="AUTOCOMMIT")
        self._true = true
        self._ahead = timedelta(0)

    def __call__(self) -> datetime:
        try:
            with self._database.connect() as connection:
                self._ahead = timedelta(seconds=connection.execute(_AHEAD).scalar_one())
        except (DBAPIError, PoolTimeout) as error:
            # Without its database nothing can be done at a wrong time, and the scheduler must outlive that.
            log.warning("demo_clock.not_read", error=type(error).__name__)
        return self._true() + self._ahead
