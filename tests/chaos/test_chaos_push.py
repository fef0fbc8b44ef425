"""Thousands of notices while workers are killed, Redis is emptied and WeChat's API fails: each arrives once, or waits.

Half of the people have written a moment ago, so their window is open and holds five; the others get
what they are owed as template messages, which WeChat tells apart.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
import redis
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session as Database

from bot.app import create_app
from bot.processes.leash import leashed
from bot.processes.postgres import EmbeddedPostgres
from bot.processes.valkey import EmbeddedValkey
from bot.push.cards import as_in_console, load_cards
from bot.simulator.errors import ApiError
from bot.simulator.faults import Fault, Kind
from bot.simulator.fields import Template
from config.settings import ROOT, Environment, Settings
from models.core.database import connect
from models.migrations import upgrade
from models.notifications.notification import Notification
from models.notifications.notify import notify
from models.people.conversation import Conversation
from tests.harness.platform.sent_once import check_sent_once
from tests.harness.simulator.in_process import RunningSimulator
from tests.harness.stage import seed_regions
from tests.scenes.money.charities import seed_charities

NOTICES, PEOPLE, WORKERS = 5_000, 500, 4
KILLS, FLUSHES = 10, 2
SENDS = "/cgi-bin/message"
LONGEST = 480.0
USED_UP = 45047


class Phones:
    """What the people see, and how often the platform said that a window had been used up.

    That one has closed meanwhile is no fault of ours: a message that a busy machine sends late goes another way.
    """

    def __init__(self, wechat: RunningSimulator) -> None:
        self.seen: Counter[int] = Counter()
        self.beyond_the_window = 0
        push, use = wechat.simulator.push, wechat.simulator.windows.use

        def seen(openid: str, kind: str, content: dict[str, Any]) -> None:
            push(openid, kind, content)
            self.seen[_number(kind, content)] += 1

        def used(openid: str) -> None:
            try:
                use(openid)
            except ApiError as error:
                self.beyond_the_window += error.code == USED_UP
                raise

        wechat.simulator.push = seen  # type: ignore[method-assign]
        wechat.simulator.windows.use = used  # type: ignore[method-assign]


def _number(kind: str, content: dict[str, Any]) -> int:
    """Which notice it was: each names an appeal of its own."""
    words = content["text"] if "text" in content else " ".join(line["value"] for line in content["fields"])
    return int("".join(mark for mark in words.split("号")[0] if mark.isdigit()))


class Crew:
    """Workers as an operator runs them, one of which dies now and then without a word."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.environment = {**os.environ, **settings}
        self.workers = [self._start() for _ in range(WORKERS)]

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker", "--queues", "push,bulk"]
        return subprocess.Popen(
            leashed(command), cwd=ROOT, env=self.environment, stderr=subprocess.DEVNULL, process_group=0
        )

    def kill(self, which: int) -> None:
        self._end(self.workers[which])
        self.workers[which] = self._start()

    def close(self) -> None:
        for worker in self.workers:
            self._end(worker)

    def _end(self, worker: subprocess.Popen[bytes]) -> None:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


@contextmanager
def _account(tmp_path: Path, run_simulator: Any) -> Iterator[tuple[dict[str, str], RunningSimulator]]:
    """The servers, an account whose templates are ours, and what the programs are set to."""
    templates = tuple(
        Template(paper["template_id"], paper["title"], paper["content"]) for paper in as_in_console("template-")
    )
    with EmbeddedPostgres(durable=True) as postgres, EmbeddedValkey(tmp_path / "valkey", keep=False) as valkey:
        settings = {
            "BANGFU_ENV": "demo",
            "DATABASE_URL": postgres.url,
            "REDIS_URL": valkey.url,
            "WECHAT_TEMPLATES": ",".join(f"{name}=template-{name}" for name in load_cards()),
        }
        upgrade(postgres.url)
        seed_regions(postgres.url)
        seed_charities(postgres.url)
        app = create_app(
            Settings(
                bangfu_env=Environment.DEMO,
                database_url=postgres.url,
                redis_url="redis://127.0.0.1:1/0",
                _env_file=None,
            )
        )
        wechat = run_simulator(app, templates=templates)
        wechat.simulator.timeline.start()
        try:
            yield {**settings, "WECHAT_API_URL": wechat.url}, wechat
        finally:
            # It reports what became of a template message two seconds later, from a thread that has to end first: a
            # connection that a report opens after this would stay open, and fail a later test.
            wechat.simulator.close()
            app.extensions["bangfu"]["turns"].database.dispose()


def _owe(url: str, wechat: RunningSimulator) -> None:
    """Half of them follow now, the others write, and then each is owed their share of the notices.

    Nobody does both: a follower's window closes after a minute, and a message that a slow machine sends then is counted
    on the other window by WeChat and on the closed one by the bot.
    """
    for number in range(PEOPLE):
        if number % 2:
            wechat.simulator.new_person(f"o-push-{number}", following=True)
            wechat.simulator.send_text(f"o-push-{number}", "你好")
        else:
            wechat.simulator.new_person(f"o-push-{number}")
            wechat.simulator.follow(f"o-push-{number}")
    engine = connect(url)
    with Database(engine) as db, db.begin():
        # By night in China whoever wrote ten minutes ago hears in the morning: those ten minutes begin now for all.
        db.execute(update(Conversation).values(touched_at=datetime.now(UTC)))
        people = db.scalars(select(Conversation.id).where(Conversation.openid.like("o-push-%"))).all()
        for number in range(1, NOTICES + 1):
            facts = {"number": number, "title": "买羊", "state": "village_review"}
            notify(db, people[number % len(people)], "appeal_moved", facts, f"chaos:{number}", datetime.now(UTC))
    engine.dispose()


def _wreak(wechat: RunningSimulator, crew: Crew, store: redis.Redis) -> None:
    """Seeded, so that a failure can be tried again."""
    chance = Random(20171203)
    faults = wechat.simulator.faults
    faults.add(Fault(Kind.REFUSE, share=0.1, where=SENDS, code=-1))
    faults.add(Fault(Kind.LOST, share=0.02, where=SENDS))
    faults.add(Fault(Kind.DOWN, share=0.02, where=SENDS))
    faults.add(Fault(Kind.SLOW, share=0.01, where=SENDS, seconds=12))
    for number in range(KILLS):
        time.sleep(1.0 + chance.random())
        crew.kill(chance.randrange(WORKERS))
        if number % 3 == 1:
            faults.add(Fault(Kind.REFUSE, times=200, where=SENDS, code=40001))
        if number in (KILLS // 3, 2 * KILLS // 3):
            store.flushall()


def _await_the_end(url: str) -> None:
    engine = connect(url)
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        with Database(engine) as db:
            if not db.scalar(select(func.count()).where(Notification.state.in_(("owed", "sending")))):
                break
        time.sleep(1)
    engine.dispose()


@pytest.mark.chaos
def test_each_notice_arrives_once_or_waits_and_says_why(tmp_path: Path, run_simulator: Any) -> None:
    with _account(tmp_path, run_simulator) as (settings, wechat):
        phones = Phones(wechat)
        _owe(settings["DATABASE_URL"], wechat)
        before = wechat.simulator.quotas.used("token")[0]
        crew = Crew(settings)
        try:
            with redis.Redis.from_url(settings["REDIS_URL"]) as store:
                _wreak(wechat, crew, store)
            _await_the_end(settings["DATABASE_URL"])
        finally:
            crew.close()
        _check(settings["DATABASE_URL"], phones)
        assert wechat.simulator.quotas.used("token")[0] - before <= 40
        assert phones.beyond_the_window == 0


def _check(url: str, phones: Phones) -> None:
    engine = connect(url)
    with Database(engine) as db:
        ours = Notification.dedupe_key.like("chaos:%")
        rows = db.execute(
            select(Notification.dedupe_key, Notification.state, Notification.sent_at, Notification.reason).where(ours)
        ).all()
    engine.dispose()
    assert len(rows) == NOTICES
    arrived = check_sent_once(rows, {key: phones.seen[int(key.partition(":")[2])] for key, *_ in rows})
    assert arrived > NOTICES * 0.9
