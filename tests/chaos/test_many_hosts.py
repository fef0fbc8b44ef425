"""An installation of several hosts, each of which fails in turn while people talk and are written to.

Two web hosts behind nginx, two worker hosts, PostgreSQL with a standby that each commit waits for, and Valkey, each
in a network namespace of its own. Nothing that anybody was told is lost, and nothing happens twice.

Slow: some twenty programs start, and one after another is ended.
"""

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session as Database
from werkzeug.serving import make_server

from bot.app import create_app
from bot.processes import web
from bot.simulator.app import create_simulator
from bot.simulator.serving import Handler
from bot.simulator.simulator import Simulator
from config.settings import Environment, Settings
from models.core.database import connect
from models.giving.pledge import Pledge
from models.migrations import upgrade
from models.notifications.notification import Notification
from models.notifications.notify import notify
from models.people.conversation import Conversation, Turn
from models.people.user import User
from tests.harness.hosts.network import Host, Network, cannot
from tests.harness.hosts.servers import (
    NGINX,
    VALKEY_PORT,
    WEB_PORT,
    HostPostgres,
    run_nginx,
    run_valkey,
    url_of,
)
from tests.harness.platform import wechat
from tests.harness.platform.caller import Caller
from tests.harness.platform.sent_once import check_sent_once
from tests.harness.processes.workers import kill, until
from tests.harness.simulator.in_process import OPTIONS, posting_to
from tests.harness.stage import Stage, seed_regions
from tests.scenes.money.charities import seed_charities

log = structlog.get_logger()

PEOPLE, READERS, NOTICES, MOST_PLEDGES = 6, 60, 20, 5
REGISTER = ("注册", "同意", "2", "李老师", "确认")
PLEDGE = ("捐 1", "十块五", "1", "确认")
# No reply to these depends on what was said before.
SMALL_TALK = ("菜单", "帮助")
LONGEST = 1_200.0
API_PORT = 8080
_KEY = "hosts:"

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost", "10.77.0.0/24"]),
]


class Phones:
    """WeChat's side: the people who are written to, and how often each notice came."""

    def __init__(self, app: Flask, host: Host) -> None:
        self._simulator = Simulator(OPTIONS, posting_to(app))
        self.seen: Counter[int] = Counter()
        push = self._simulator.push

        def seen(openid: str, kind: str, content: dict[str, Any]) -> None:
            push(openid, kind, content)
            self.seen[_number(content)] += 1

        self._simulator.push = seen  # type: ignore[method-assign]
        for number in range(READERS):
            self._simulator.new_person(f"o-reader-{number}", following=True)
            self._simulator.send_text(f"o-reader-{number}", "你好")
        with host.inside():
            self._server = make_server(
                host.address,
                API_PORT,
                create_simulator(OPTIONS, self._simulator),
                threaded=True,
                request_handler=Handler,
            )
        self.url = f"http://{host.address}:{API_PORT}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._simulator.close()


def _number(content: dict[str, Any]) -> int:
    """Which notice it was: each names an appeal of its own."""
    return int("".join(mark for mark in content["text"].split("号")[0] if mark.isdigit()))


class Crowd:
    """People who talk all the while, each message delivered to two hosts at once, until they are to stop."""

    def __init__(self, internet: Host, url: str) -> None:
        self._internet, self._stop = internet, threading.Event()
        self._threads = ThreadPoolExecutor(3 * PEOPLE)
        end = time.monotonic() + LONGEST
        self.people = [Caller(url, f"o-host-{number}", end) for number in range(PEOPLE)]
        self.heard: dict[Caller, list[tuple[str, str]]] = {person: [] for person in self.people}
        self.promised: Counter[Caller] = Counter()
        self._talks = [self._threads.submit(self._talk, person) for person in self.people]

    def go_on(self) -> None:
        """Wait until each has got an answer to two more messages, and log how long that took."""
        begin = time.monotonic()
        before = {person: len(heard) for person, heard in self.heard.items()}

        def went_on() -> bool:
            for talk in self._talks:
                if talk.done():
                    talk.result()
            return all(len(self.heard[person]) >= count + 2 for person, count in before.items())

        until(went_on, LONGEST / 4)
        log.info("hosts.all_answered_twice", seconds=round(time.monotonic() - begin, 1))

    def stop(self) -> None:
        self._stop.set()
        for talk in self._talks:
            talk.result()
        self._threads.shutdown()

    def _talk(self, person: Caller) -> None:
        for words in REGISTER:
            self._say(person, words)
        for number in range(MOST_PLEDGES):
            for words in PLEDGE:
                self._say(person, words)
            self.promised[person] = number + 1
            for words in SMALL_TALK * 2:
                if self._stop.is_set():
                    return
                self._say(person, words)
        while not self._stop.is_set():
            for words in SMALL_TALK:
                self._say(person, words)

    def _say(self, person: Caller, words: str) -> None:
        xml = wechat.text(words, person.openid)
        replies = [each.result() for each in [self._threads.submit(self._deliver, person, xml) for _ in range(2)]]
        assert replies[0] == replies[1]
        self.heard[person].append((xml, replies[0]))

    def _deliver(self, person: Caller, xml: str) -> str:
        with self._internet.inside():
            return person.deliver(xml)


class Installation:
    """Its hosts and the programs of each, which ``up`` starts."""

    def __init__(self, network: Network, stack: ExitStack, folder: Path) -> None:
        self._folder = folder
        self.internet, self.proxy = network.host("net"), network.host("proxy")
        self.webs = [network.host(f"web{number}") for number in (1, 2)]
        self.workers = [network.host(f"work{number}") for number in (1, 2)]
        self.cache = network.host("cache")
        self.primary = stack.enter_context(HostPostgres(network.host("db1")))
        upgrade(self.primary.url)
        seed_regions(self.primary.url)
        seed_charities(self.primary.url)
        self.standby = stack.enter_context(HostPostgres(network.host("db2"), self.primary))
        self.primary.demand_standby()
        self._programs: dict[str, list[subprocess.Popen[bytes]]] = {}
        stack.callback(self._end)
        self._settings = {
            "BANGFU_ENV": "demo",
            "DATABASE_URL": url_of(self.primary, self.standby),
            "REDIS_URL": f"redis://{self.cache.address}:{VALKEY_PORT}/0",
            "MEDIA_DIR": str(folder / "media"),
        }

    def start(self, api: str) -> None:
        self._settings["WECHAT_API_URL"] = api
        for host in (self.cache, *self.webs, *self.workers):
            self.up(host)
        self._programs[self.proxy.name] = [run_nginx(self.proxy, self.webs, self._folder)]

    def up(self, host: Host) -> None:
        log = self._folder / f"{host.name}.log"
        if host is self.cache:
            started = [run_valkey(host, self._folder)]
        elif host in self.webs:
            started = [host.run(web.command_line(WEB_PORT, "--host", host.address), log, **self._settings)]
        else:
            commands = [[sys.executable, "-m", "bot.work", name] for name in ("scheduler", "push")]
            started = [host.run(command, log, **self._settings) for command in commands]
        self._programs[host.name] = started

    @contextmanager
    def without(self, host: Host) -> Iterator[None]:
        """Within the block all programs of the host are gone, without a warning."""
        for program in self._programs.pop(host.name):
            kill(program)
        yield
        self.up(host)

    @contextmanager
    def on_the_standby(self) -> Iterator[None]:
        """The database's host is gone for good, and its standby takes over."""
        self.primary.kill()
        self.standby.promote()
        yield

    def _end(self) -> None:
        for programs in self._programs.values():
            for program in programs:
                kill(program)


def _faults(network: Network, here: Installation) -> Iterator[tuple[str, AbstractContextManager[None]]]:
    yield "a web host is gone", here.without(here.webs[0])
    yield "a worker host is gone", here.without(here.workers[0])
    yield "Valkey is gone", here.without(here.cache)
    yield "no way from the proxy to a web host", network.cut(here.proxy, here.webs[1])
    yield "no way from a web host to Valkey", network.cut(here.webs[0], here.cache)
    yield "no way from a web host to the database", network.cut(here.webs[0], here.primary.host)
    yield "no way from a worker host to the database", network.cut(here.workers[1], here.primary.host)
    yield "the standby was away for a while", _for_a_while(network.cut(here.primary.host, here.standby.host))
    yield "the database's host is gone", here.on_the_standby()


@contextmanager
def _for_a_while(fault: AbstractContextManager[None]) -> Iterator[None]:
    """The fault is over when the block begins: while it lasts, no commit can end."""
    with fault:
        time.sleep(8)
    yield


def _open_appeal(url: str) -> None:
    stage = Stage(url)
    stage.clock.now = datetime.now(UTC)
    stage.open_appeal()
    stage.close()


@contextmanager
def _bot(url: str) -> Iterator[Flask]:
    """The bot in this process, by the true clock."""
    nowhere = "redis://127.0.0.1:1/0"
    app = create_app(Settings(bangfu_env=Environment.DEMO, database_url=url, redis_url=nowhere, _env_file=None))
    yield app
    app.extensions["bangfu"]["turns"].database.dispose()


def _owe(url: str, phase: int) -> None:
    """Owe the readers so many notices more, who have all just written: by night others would wait until the morning."""
    engine = connect(url)
    now = datetime.now(UTC)
    with Database(engine) as db, db.begin():
        theirs = Conversation.openid.like("o-reader-%")
        db.execute(update(Conversation).where(theirs).values(touched_at=now))
        readers = db.scalars(select(Conversation.id).where(theirs).order_by(Conversation.id)).all()
        for number in range(phase * NOTICES, (phase + 1) * NOTICES):
            facts = {"number": number, "title": "买羊", "state": "village_review"}
            notify(db, readers[number % READERS], "appeal_moved", facts, f"{_KEY}{number}", now)
    engine.dispose()


def _count_owed(url: str) -> int:
    engine = connect(url)
    try:
        with Database(engine) as db:
            ours = Notification.dedupe_key.like(f"{_KEY}%") & Notification.state.in_(("owed", "sending"))
            return db.scalar(select(func.count()).select_from(Notification).where(ours)) or 0
    finally:
        engine.dispose()


def _check(here: Installation, crowd: Crowd, phones: Phones, phases: int) -> None:
    engine = connect(here.standby.url)
    with Database(engine) as db:
        ours = select(Conversation.id).where(Conversation.openid.like("o-host-%"))
        assert db.scalar(select(func.count()).select_from(User)) == PEOPLE + 1  # and the appeal's owner
        assert db.scalar(select(func.count()).select_from(Pledge)) == sum(crowd.promised.values())
        taken = db.scalar(select(func.count()).select_from(Turn).where(Turn.conversation_id.in_(ours)))
        assert taken == sum(len(heard) for heard in crowd.heard.values())
        _check_notices(db, phones, phases)
    engine.dispose()
    with here.internet.inside():
        for person, heard in crowd.heard.items():
            for xml, reply in heard:
                told = {person.deliver(xml, f"http://{host.address}:{WEB_PORT}/wechat") for host in here.webs}
                assert told == {reply}


def _check_notices(db: Database, phones: Phones, phases: int) -> None:
    rows = db.execute(
        select(Notification.dedupe_key, Notification.state, Notification.sent_at, Notification.reason).where(
            Notification.dedupe_key.like(f"{_KEY}%")
        )
    ).all()
    assert len(rows) == phases * NOTICES
    arrived = check_sent_once(rows, {key: phones.seen[int(key.removeprefix(_KEY))] for key, *_ in rows})
    assert arrived > len(rows) * 0.9


def test_a_host_that_fails_stops_nobody(tmp_path: Path) -> None:
    if why := cannot() or ("" if NGINX else "there is no nginx here; .ci/run installs it"):
        pytest.skip(why)
    with ExitStack() as stack:
        network = stack.enter_context(Network())
        installation = Installation(network, stack, tmp_path)
        _open_appeal(installation.primary.url)
        with _bot(installation.primary.url) as app:
            phones = Phones(app, installation.internet)
        stack.callback(phones.close)
        installation.start(phones.url)
        crowd = Crowd(installation.internet, f"http://{installation.proxy.address}/wechat")
        try:
            crowd.go_on()
            phases = 0
            for phases, (name, failing) in enumerate(_faults(network, installation), 1):
                _owe(installation.primary.url, phases)
                log.info("hosts.fault", fault=name)
                with failing:
                    crowd.go_on()
            _owe(installation.standby.url, 0)
            crowd.go_on()
        finally:
            crowd.stop()
        until(lambda: _count_owed(installation.standby.url) == 0, LONGEST)
        _check(installation, crowd, phones, phases + 1)
