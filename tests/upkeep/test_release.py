"""A release goes out without a stop, as docs/operating.md says: old and new processes serve one database side by side.

The old code is that of a commit of ours: its own programs, which know nothing of the new schema. Meanwhile people
register, promise gifts and pay them, each message and each payment told to all web servers at once.

Slow: it starts the programs of both.
"""

import json
import random
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from sqlalchemy import func, make_url, select
from sqlalchemy.orm import Session as Database

from bot.pay.demo_keys import settings_in
from bot.processes import web
from bot.processes.supervisor import free_port
from bot.simulator.app import create_simulator
from bot.simulator.pay.options import PayOptions
from bot.simulator.platform import Status
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator
from bot.work.clock import true_now
from config.settings import ROOT
from models.books import violations
from models.books.chains import CHAINS
from models.core.database import connect, snapshot
from models.core.hash_chain import waiting
from models.giving.pledge import Pledge
from models.notifications.notification import Notification
from models.people.conversation import Turn
from tests.harness.money.merchant import MCHID, PIN, key_folder
from tests.harness.money.paid_stage import link_in
from tests.harness.platform.sent_once import check_sent_once
from tests.harness.processes.workers import environment, process, until
from tests.harness.simulator.in_process import OPTIONS

# The release before: the newest commit whose schema is 0074. With the next release this becomes that one's.
OLD = "657f61f27af0647aec28be4c9ad97d9fe1c3f458"
# Its database, with an appeal that everybody may give to and a pool that adds to each gift; by its own code.
BEGIN = """
import sys
from datetime import UTC, datetime

from models.migrations import upgrade
from tests.harness.stage import Stage, seed_regions
from tests.scenes.money.charities import seed_charities
from tests.scenes.money.matching import charity, pool

url = sys.argv[1]
upgrade(url)
seed_regions(url)
seed_charities(url)
stage = Stage(url)
stage.clock.now = datetime.now(UTC)
pool(stage, charity(stage), appeal=stage.open_appeal(target_fen=10**10), cap=10**8)
stage.close()
"""
PEOPLE = 4
REGISTER = ("注册", "同意", "2", "李老师", "确认")
# No digit as an answer: thanks for the gift before may come in between, and its choices have numbers as well.
PLEDGE = ("捐 1", "十块五", "留名", "确认")
_ANSWERED = (200, 204)

pytestmark = pytest.mark.slow


class Doors:
    """The web servers that serve at the moment, as a proxy knows them: what one does not take, another does."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self._threads = ThreadPoolExecutor(4 * PEOPLE)

    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> tuple[int, bytes]:
        """Deliver to all at once, as WeChat does what it gets no answer to; returns one of the answers."""
        tell = partial(self._tell, _path_of(url), body, dict(headers), seconds)
        answers = [answer for answer in self._threads.map(tell, tuple(self.open)) if answer[0] in _ANSWERED]
        if not answers:
            raise ConnectionError(url)
        return random.choice(answers)

    def ask(self, browser: requests.Session, method: str, path: str, **given: Any) -> requests.Response:
        found: list[requests.Response] = []

        def answered() -> bool:
            for door in random.sample(self.open, len(self.open)):
                try:
                    answer = browser.request(method, f"{door}{path}", timeout=60, **given)
                except requests.ConnectionError:
                    continue
                if answer.ok:
                    found.append(answer)
                    return True
                assert answer.status_code == 503, (answer.status_code, method)
            return False

        until(answered)
        return found[0]

    def _tell(self, path: str, body: bytes, headers: dict[str, str], seconds: float, door: str) -> tuple[int, bytes]:
        try:
            answer = requests.post(f"{door}{path}", data=body, headers=headers, timeout=seconds)
        except requests.RequestException:
            return 0, b""
        return answer.status_code, answer.content


class Crowd:
    """People who promise gifts and pay them, one after the other, until they are to stop."""

    def __init__(self, doors: Doors, simulator: Simulator, wechat: str, log: Path) -> None:
        self._doors, self._simulator, self._wechat, self._log = doors, simulator, wechat, log
        self._stop, self.said = threading.Event(), Counter[str]()
        self.paid = Counter({f"oGiver{number}": 0 for number in range(PEOPLE)})
        for openid in self.paid:
            simulator.new_person(openid, following=True)
        self._threads = ThreadPoolExecutor(PEOPLE)
        self._talks = [self._threads.submit(self._talk, openid) for openid in self.paid]

    def go_on(self) -> None:
        """Wait until each of them has paid two more gifts."""
        before = dict(self.paid)

        def went_on() -> bool:
            for talk in self._talks:
                if talk.done():
                    talk.result()
            return all(self.paid[openid] >= count + 2 for openid, count in before.items())

        until(went_on)

    def stop(self) -> None:
        self.end()
        for talk in self._talks:
            talk.result()

    def end(self) -> None:
        self._stop.set()
        self._threads.shutdown()

    def _talk(self, openid: str) -> None:
        for words in REGISTER:
            self._say(openid, words)
        while not self._stop.is_set():
            reply = [self._say(openid, words) for words in PLEDGE][-1]
            self._pay(openid, urlsplit(link_in(reply)).path)
            self.paid[openid] += 1

    def _say(self, openid: str, words: str) -> str:
        delivery = self._simulator.send_text(openid, words)
        if delivery.status is not Status.REPLIED:
            outcomes = [(attempt.outcome, attempt.http_status, attempt.ms) for attempt in delivery.attempts]
            log = self._log.read_text("utf-8", "replace")[-20_000:]
            raise AssertionError(
                f"{words} {delivery.status} {delivery.violations} {outcomes}, the programs say:\n{log}"
            )
        self.said[openid] += 1
        return delivery.reply_text

    def _pay(self, openid: str, path: str) -> None:
        with requests.Session() as browser:
            browser.cookies.set("bangfu_none", "1")
            browser.get(f"{self._wechat}/desk/as", params={"openid": openid, "to": "/desk/feed"}, timeout=60)
            self._doors.ask(browser, "GET", path)
            sheet = self._doors.ask(browser, "POST", f"{path}/order", json={"fallback": "refund"}).json()["sheet"]
            paid = self._simulator.pay.pay(openid, sheet["package"].removeprefix("prepay_id="), PIN)
            assert paid.err_msg.endswith(":ok")
            until(lambda: self._doors.ask(browser, "GET", f"{path}/state").json()["state"] == "paid")


class Installation:
    """One database and Redis, and programs of either release beside each other."""

    def __init__(self, doors: Doors, settings: dict[str, str], log: Path) -> None:
        self._doors, self._settings, self._log = doors, settings, log

    @contextmanager
    def serving(self, code: Path) -> Iterator[str]:
        """A web server and the workers of this code. At the end they are told to end, as a restart does."""
        port = free_port()
        door = f"http://127.0.0.1:{port}"
        settings = self._settings | {"PUBLIC_URL": door}
        with (
            process(*web.command_line(port)[2:], settings=settings, folder=code, log=self._log) as server,
            process("flask", "--app", "wsgi", "worker", settings=settings, folder=code, log=self._log) as workers,
        ):
            until(lambda: _is_ready(door))
            self._doors.open.append(door)
            yield door
            for program in (server, workers):
                program.terminate()
            server.wait(timeout=120)
            self._doors.open.remove(door)
            workers.wait(timeout=300)


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _is_ready(door: str) -> bool:
    try:
        return requests.get(f"{door}/readyz", timeout=60).ok
    except requests.RequestException:
        return False


def _checked_out(folder: Path) -> Path:
    """The old release's code. Skips the test where this copy of ours has no history."""
    git = shutil.which("git")
    packed = git and subprocess.run([git, "-C", str(ROOT), "archive", OLD], capture_output=True, check=False).stdout
    if not packed:
        pytest.skip("the commit of the release before is not in this copy's history, or there is no git")
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed, check=True)
    return folder


@pytest.fixture
def empty_database(postgres_url: str) -> Iterator[str]:
    name = "bangfu_release"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _arrivals(simulator: Simulator) -> Counter[str]:
    """How often each text was pushed."""
    seen, push = Counter[str](), simulator.push

    def pushed(openid: str, kind: str, content: dict[str, Any]) -> None:
        push(openid, kind, content)
        seen[str(content)] += 1

    simulator.push = pushed  # type: ignore[method-assign]
    return seen


def _check(url: str, crowd: Crowd, seen: Counter[str]) -> None:
    engine = connect(url)
    paid = Notification.template == "payment_received"
    with Database(engine) as db:
        until(lambda: not db.scalar(select(func.count()).where(Notification.state.in_(("owed", "sending")))))
        assert db.scalar(select(func.count()).select_from(Turn)) == sum(crowd.said.values())
        states = Counter(db.scalars(select(Pledge.state)))
        codes = set(db.scalars(select(Pledge.code)))
        rows = db.execute(
            select(Notification.facts, Notification.state, Notification.sent_at, Notification.reason).where(paid)
        ).all()
    told = [(json.loads(facts)["code"], *rest) for facts, *rest in rows]
    assert states == {"committed": sum(crowd.paid.values())}
    assert {code for code, *_ in told} == codes
    arrived = {code: sum(times for text, times in seen.items() if code in text) for code in codes}
    assert check_sent_once([row for row in told if row[1] != "read"], arrived) > 0
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        until(lambda: all(waiting(connection, chain)[0] == 0 for chain in CHAINS))
    engine.dispose()
    with snapshot(url) as books:
        assert [f"{one.code} {one.subject} {one.subject_id}" for one in violations(books, true_now())] == []


def test_a_release_goes_out_and_back_without_a_stop(empty_database: str, redis_flushed: str, tmp_path: Path) -> None:
    old, url = _checked_out(tmp_path / "old"), empty_database
    subprocess.run([sys.executable, "-c", BEGIN, url], cwd=old, check=True)
    doors = Doors()
    pay = PayOptions(mchid=MCHID, keys_dir=key_folder())
    simulator = Simulator(replace(OPTIONS, pay=pay, account_name="帮扶通", deadline=60.0), doors.post)
    seen = _arrivals(simulator)
    with ExitStack() as stack:
        stack.callback(simulator.close)
        simulator.timeline.start()
        wechat = stack.enter_context(serving(create_simulator(simulator.options, simulator)))
        given = {"WECHAT_API_URL": wechat, "PAY_API_URL": wechat, **settings_in(key_folder())}
        settings = environment(url, redis_flushed, tmp_path / "media", **given)
        log = tmp_path / "programs.log"
        installation = Installation(doors, settings, log)
        before = stack.enter_context(ExitStack())
        door = before.enter_context(installation.serving(old))
        crowd = Crowd(doors, simulator, wechat, log)
        stack.callback(crowd.end)
        crowd.go_on()
        with process("flask", "--app", "wsgi", "upgrade", settings=settings) as upgrading:
            assert upgrading.wait(timeout=300) == 0
        crowd.go_on()
        assert "ahead" in requests.get(f"{door}/readyz", timeout=60).text
        with installation.serving(ROOT):
            crowd.go_on()
            before.close()
            crowd.go_on()
            with installation.serving(old):
                crowd.go_on()
            crowd.stop()
            _check(url, crowd, seen)
