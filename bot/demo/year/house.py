"""Run the bot, one worker and the platform in this process, at one clock that is moved instead of waited for."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from flask import Flask

from bot.books.sealing import seal_all
from bot.demo.year.jobs import JobsHere
from bot.pay.demo_keys import settings_in
from bot.push.cards import as_in_console
from bot.simulator.app import create_simulator
from bot.simulator.fields import Template
from bot.simulator.options import Options
from bot.simulator.pay.options import PayOptions
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator
from bot.turn import Turns
from bot.web.links import Links
from bot.work.clock import Clock
from bot.work.context import WorkerContext
from bot.work.schedule import SCHEDULE
from bot.work.scheduler import Scheduler
from config.settings import Settings
from models.core.calendar import CHINA

# At these hours of a day in China the scheduler looks what is due: before the officers begin, and after the households
# have written.
HOURS = (9, 20)
# What concerns Redis, which has no jobs here, and what is done once at the end of the year instead of every night.
LEFT_OUT = ("lost_jobs", "dead_jobs", "books", "photo_files", "open_photos")


MakeApp = Callable[[Settings, Clock | None], Flask]


class Shift:
    """By how many seconds the platform's clock is moved; the bot's reads the same."""

    def __init__(self, ahead: float) -> None:
        self.ahead = ahead

    def read(self) -> float:
        return self.ahead

    def write(self, ahead: float) -> None:
        self.ahead = ahead


@dataclass(frozen=True)
class Account:
    """The account's original id, and the prefixes of its template ids: of messages, and of subscription notices."""

    id: str
    prefixes: tuple[str, str]


class House:
    """``make_app``: bot.app.create_app. ``given``: the environment of the demo's programs. ``begin``: where the clock
    begins, which goes on with true time between its moves. ``at``: a folder for the platform's keys.
    """

    def __init__(
        self, make_app: MakeApp, given: Mapping[str, str], account: Account, at: Path, begin: datetime
    ) -> None:
        self._make_app, self._given, self._account, self._at = make_app, given, account, at
        self._shift = Shift(begin.timestamp() - time.time())
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.simulator = Simulator(self._options(), self._post, shared=self._shift)
            stack.callback(self.simulator.close)
            url = stack.enter_context(serving(create_simulator(self.simulator.options, self.simulator)))
            self.simulator.pay.keys()
            urls = dict.fromkeys(("WECHAT_API_URL", "PAY_API_URL", "SPEECH_URL"), url)
            values = {**self._given, **urls, **settings_in(self._at / "pay")}
            named: dict[str, Any] = {name.lower(): value for name, value in values.items()}
            self.settings = Settings(**named, _env_file=None)
            self.app: Flask = self._make_app(self.settings, self.clock)
            stack.callback(self.turns.database.dispose)
            self.jobs = JobsHere(self.settings.redis_url)
            self.context = WorkerContext(self.settings, self.clock, self.jobs)
            stack.callback(self.context.close)
            schedule = {name: entry for name, entry in SCHEDULE.items() if name not in LEFT_OUT}
            self._scheduler = Scheduler(self.context, self.settings.redis_url, schedule)
            stack.callback(self._scheduler.close)
            self._next = self.clock()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def account(self) -> str:
        return self._account.id

    @property
    def turns(self) -> Turns:
        turns: Turns = self.app.extensions["bangfu"]["turns"]
        return turns

    @property
    def links(self) -> Links:
        return Links(self.settings.public_url, self.settings.secret_key.get_secret_value(), self.clock)

    def clock(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self._shift.ahead, UTC)

    def live_until(self, when: datetime) -> None:
        """Let time pass; at the hours of ``HOURS`` the scheduler and the worker do what is due."""
        while (hour := _next_hour(self._next)) <= when:
            self._move(hour)
            self.tick()
            self.work()
            self._next = hour
        self._move(when)

    def tick(self) -> None:
        """Do what the scheduler has to do by now."""
        self._scheduler.tick(self.clock())

    def leave_bills(self) -> None:
        """Compare no more bills from now on, morning by morning."""
        self._scheduler.schedule.pop("bills", None)

    def work(self) -> None:
        """Run the jobs that wait, and those that they lead to; then seal, as beside any scheduler."""
        while self.jobs.waiting:
            self.context.run_job(*self.jobs.waiting.popleft())
        seal_all(self.context.database)

    def _move(self, when: datetime) -> None:
        self.simulator.timeline.move(max((when - self.clock()).total_seconds(), 0.0))

    def _post(self, url: str, body: bytes, headers: Mapping[str, str], _seconds: float) -> tuple[int, bytes]:
        parts = urlsplit(url)
        answer = self.app.test_client().post(parts.path, query_string=parts.query, data=body, headers=dict(headers))
        return answer.status_code, answer.data

    def _options(self) -> Options:
        own, subscriptions = (
            tuple(_template(row) for row in as_in_console(prefix)) for prefix in self._account.prefixes
        )
        return Options(
            bot_url=self._given["PUBLIC_URL"] + "/wechat",
            app_id=self._given["WECHAT_APP_ID"],
            app_secret=self._given["WECHAT_APP_SECRET"],
            token=self._given["WECHAT_TOKEN"],
            aes_key=self._given["WECHAT_AES_KEY"],
            account=self.account,
            templates=own,
            subscriptions=subscriptions,
            pay=PayOptions(keys_dir=self._at / "pay"),
        )


def _template(row: dict[str, Any]) -> Template:
    return Template(**{field.name: row[field.name] for field in fields(Template) if field.name in row})


def _next_hour(after: datetime) -> datetime:
    """Return the first of HOURS in China that is later."""
    here = after.astimezone(CHINA)
    for day in (here, here + timedelta(days=1)):
        for hour in HOURS:
            found = day.replace(hour=hour, minute=20, second=0, microsecond=0)
            if found > here:
                return found.astimezone(UTC)
    raise AssertionError("tomorrow has a first hour")
