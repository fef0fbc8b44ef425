"""Servers killed in the middle of everything, while people talk: nothing is lost, and nothing happens twice."""

import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from bot.processes import web
from bot.processes.leash import leashed
from bot.processes.postgres import EmbeddedPostgres
from bot.processes.supervisor import free_port
from models.giving.pledge import Pledge
from models.migrations import upgrade
from models.notifications.notification import Notification
from models.people.conversation import Conversation
from models.people.user import User
from tests.harness.platform import wechat
from tests.harness.platform.caller import Caller
from tests.harness.stage import Stage, seed_regions
from tests.scenes.money.charities import seed_charities

ROOT = Path(__file__).parents[2]
PEOPLE = 6
PLEDGES = 3
REGISTER = ("注册", "同意", "2", "李老师", "确认")
PLEDGE = ("捐 1", "十块五", "1", "确认")
KILLS = 5


class Web:
    """granian as in production, killed without warning and started again at the same port."""

    def __init__(self, database_url: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/wechat"
        ours = {"DATABASE_URL": database_url, "BANGFU_ENV": "demo", "REDIS_URL": "redis://127.0.0.1:1/0"}
        self.environment = {**os.environ, **ours}
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            leashed(web.command_line(self.port, level="critical")),
            cwd=ROOT,
            env=self.environment,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Person(Caller):
    """Sends each message twice at once, until it is answered, and keeps what it said and heard."""

    def __init__(self, url: str, openid: str, deadline: float) -> None:
        super().__init__(url, openid, deadline)
        self.heard: list[tuple[str, str]] = []

    def talk(self) -> None:
        for words in (*REGISTER, *PLEDGE * PLEDGES):
            xml = wechat.text(words, self.openid)
            with ThreadPoolExecutor(2) as pool:
                replies = list(pool.map(self.deliver, [xml, xml]))
            assert replies[0] == replies[1]
            self.heard.append((xml, replies[0]))


def crash(postgres: EmbeddedPostgres) -> None:
    """Every session of the server ends where it stands; it comes back by its log."""
    assert postgres.pid
    os.kill(postgres.pid, signal.SIGQUIT)
    postgres.stop()
    postgres.start()


@pytest.mark.chaos
def test_killed_servers_lose_nothing_and_repeat_nothing() -> None:
    with EmbeddedPostgres(durable=True) as postgres:  # else a crash may lose what it said it had
        upgrade(postgres.url)
        seed_regions(postgres.url)
        seed_charities(postgres.url)
        stage = Stage(postgres.url)
        stage.clock.now = datetime.now(UTC)
        stage.open_appeal()
        web = Web(postgres.url)
        try:
            deadline = time.monotonic() + 400
            people = [Person(web.url, f"o-chaos-{number}", deadline) for number in range(PEOPLE)]
            with ThreadPoolExecutor(PEOPLE) as talks:
                done = [talks.submit(person.talk) for person in people]
                _wreak(web, postgres)
                for one in done:
                    one.result()
            _check(stage, people)
        finally:
            web.kill()
            stage.close()


def _wreak(web: Web, postgres: EmbeddedPostgres) -> None:
    """Seeded, so that a failure can be tried again."""
    chance = Random(20171203)
    for number in range(KILLS):
        time.sleep(1.5 + chance.random())
        if number % 2:
            crash(postgres)
        else:
            web.kill()
            web.start()


def _check(stage: Stage, people: list[Person]) -> None:
    stage.database.dispose()  # its connection ended with the server
    with Database(stage.database) as db:
        ours = select(Conversation.user_id).where(Conversation.openid.like("o-chaos-%"))
        assert db.scalar(select(func.count()).select_from(User).where(User.id.in_(ours))) == PEOPLE
        promised = db.scalars(select(Pledge.amount_fen)).all()
        assert promised == [1050] * PEOPLE * PLEDGES, [person.heard for person in people]
        # The gifts of six hours are one word to the family: all of them, and each once.
        heard = db.scalars(select(Notification).where(Notification.template == "pledged")).all()
        gifts = [json.loads(notice.facts) for notice in heard]
        assert sum(gift["new_gifts"] for gift in gifts) == PEOPLE * PLEDGES
        assert sum(gift["amount_fen"] for gift in gifts) == 1050 * PEOPLE * PLEDGES
    assert sum(person.tries for person in people) > 2 * PEOPLE * len((*REGISTER, *PLEDGE * PLEDGES))
    for person in people:
        for xml, reply in person.heard:
            assert person.deliver(xml) == reply
