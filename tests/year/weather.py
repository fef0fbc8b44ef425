"""What goes wrong around a county: messages get lost, platforms have bad days, programs die, servers are replaced."""

from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import TYPE_CHECKING

from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from bot.demo.year.house import House
from bot.simulator.faults import Fault, Kind
from bot.work.redis_client import open_redis
from tests.harness.processes.databases import end_connections

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# A tenth of what the platforms send: never arrives, is answered too late, comes twice.
_DELIVERIES = ((Kind.DROP, 0.03), (Kind.LATE, 0.03), (Kind.DUPLICATE, 0.04))
# On a bad day of a platform, of the calls that it gets: not taken, refused, or done and not answered.
_CALLS = ((Kind.DOWN, 0.1), (Kind.REFUSE, 0.1), (Kind.LOST, 0.1))
# By which path a platform's calls begin, and which number it refuses by: WeChat's for "busy", WeChat Pay's status.
_PLATFORMS = (("/cgi-bin/message", -1), ("/v3/", 500))
_BAD_DAY = 1 / 7
# In so many days, on an average.
_REDIS_EMPTIED, _FAILOVER = 7, 30
# A program that dies today does so before one of its next statements.
_STATEMENTS = 400


class Killed(BaseException):
    """A program of the house is gone, in the middle of what it did."""


class Lives:
    """Ends a program before a statement of its own that is drawn by lot."""

    def __init__(self, engine: Engine) -> None:
        self.left = 0
        event.listen(engine, "before_cursor_execute", self._count)

    def _count(self, *_: object) -> None:
        if self.left:
            self.left -= 1
            if not self.left:
                raise Killed


class RoughHouse(House):
    """A house in weather. ``befell``: what has gone wrong, and how often.

    A worker that dies loses the job that it had, a scheduler the run that it had claimed, a web server its answer.
    """

    def begin_weather(self, lot: Random) -> None:
        self._lot, self.befell = lot, Counter[str]()
        self._spells: list[int] = []
        self._serve = self.app.wsgi_app
        self.app.wsgi_app = self._serve_or_die  # type: ignore[method-assign]
        self._lives = [Lives(self.turns.database), Lives(self.context.database)]
        for kind, share in _DELIVERIES:
            self.simulator.faults.add(Fault(kind, share=share))

    def begin_a_day(self) -> None:
        """Draw what happens today."""
        for spell in self._spells:
            self.simulator.faults.lift(spell)
        self._spells.clear()
        for path, code in _PLATFORMS:
            if self._lot.random() < _BAD_DAY:
                self.befell["bad day"] += 1
                self._spells += [
                    self.simulator.faults.add(Fault(kind, share=share, where=path, code=code)) for kind, share in _CALLS
                ]
        for life in self._lives:
            life.left = self._lot.randrange(1, _STATEMENTS)
        if self._lot.random() < 1 / _REDIS_EMPTIED:
            self._empty_redis()
        if self._lot.random() < 1 / _FAILOVER:
            self._fail_over()

    def tick(self) -> None:
        try:
            super().tick()
        except Killed:
            self.befell["scheduler killed"] += 1

    def work(self) -> None:
        while True:
            try:
                return super().work()
            except Killed:
                self.befell["worker killed"] += 1
            except OperationalError:
                self.befell["worker lost its database"] += 1

    def _serve_or_die(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer as the proxy does when the server behind it dies: 502."""
        try:
            return self._serve(environ, start_response)
        except Killed:
            self.befell["web server killed"] += 1
            start_response("502 Bad Gateway", [])
            return []

    def _empty_redis(self) -> None:
        self.befell["redis emptied"] += 1
        self.jobs.waiting.clear()
        with open_redis(self.settings.redis_url) as redis:
            redis.flushdb()

    def _fail_over(self) -> None:
        """End all connections to the database, as a standby that takes over does not know them."""
        self.befell["failover"] += 1
        end_connections(self.settings.database_url)
