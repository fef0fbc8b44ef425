"""Web and workers killed in the middle of a payment, its notices and its refund: once each, and the books close."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session as Database

from bot.pay.demo_keys import settings_in
from bot.processes.supervisor import free_port
from bot.simulator.app import create_simulator
from bot.simulator.pay.options import PayOptions
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator
from bot.work.queues import JobQueues
from models.appeals.appeal import get_appeal
from models.books import violations
from models.core.database import snapshot
from models.giving.pledge import Pledge
from models.ledger import totals
from models.ledger.tables import LedgerTransaction
from models.notifications.notification import Notification
from models.payments.refund import Refund
from models.payments.refund_entitlement import request_refund
from models.people.conversation import Conversation
from models.people.user import User
from tests.harness.money.merchant import MCHID, PIN, key_folder
from tests.harness.money.paid_stage import DONOR, PEOPLE, Collecting
from tests.harness.processes.workers import environment, process, until
from tests.harness.simulator.in_process import OPTIONS
from tests.scenes.money.gifts import give

FEN = 10_000
# A step that a program does not come to before it is told to end: it lives.
LIVES = "sys:exit:before"
# Where the web process dies: when the sheet was asked for, in the platform's callback, and when the page asks.
# tests/chaos/test_chaos_pay.py has every step, without the servers around it.
WEB = (
    "bot.pay.client:PayClient.order:after",
    "bot.payments.orders:apply_payment:after",
    "models.ledger.moves:post_each:after",
    "bot.work.queues:JobQueues.enqueue:before",
)
# Where a worker dies with the notices of it in its hands.
PUSH = (
    "bot.push.sender:Sender.send:before",
    "bot.push.sender:Sender.send:after",
    "bot.push.deliver:record_results:after",
)
PAY_BACK = ("bot.pay.client:PayClient.refund:before", "bot.pay.client:PayClient.refund:after")


@dataclass
class Town:
    """The database, the simulator that takes the money, and whoever pays."""

    stage: Collecting
    simulator: Simulator
    wechat: str
    port: int
    folder: Path
    settings: dict[str, str]
    marks: int = 0

    @contextmanager
    def dying(self, step: str, *program: str) -> Iterator[Path]:
        """Our program, which dies at this step; the file that says that it has."""
        self.marks += 1
        mark = self.folder / f"mark-{self.marks}"
        with process("tests.harness.processes.kill_at_step", step, str(mark), *program, settings=self.settings):
            yield mark

    @contextmanager
    def web(self, step: str) -> Iterator[Path]:
        with self.dying(step, "web", str(self.port)) as mark:
            until(lambda: self._answers() or mark.exists())
            yield mark

    def _answers(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.stage.bot_url}/healthz", timeout=2).ok
        return False

    def tap(self, pledge: int) -> bool:
        """What the donor's page does: the sheet, the PIN, and then asking. Whether it has come to an end."""
        link = self.stage.link(pledge)
        with suppress(requests.RequestException, KeyError):
            browser = self.stage.visit(DONOR)
            browser.get(link, timeout=10)
            told = browser.post(f"{link}/order", json={"fallback": "refund"}, timeout=10).json()
            if "sheet" in told:
                self.simulator.pay.pay(DONOR, told["sheet"]["package"].removeprefix("prepay_id="), PIN)
            return bool(browser.get(f"{link}/state", timeout=10).json()["state"] == "paid")
        return False

    def pay(self, pledge: int, step: str) -> None:
        """With a web process that dies on the way, and one that goes on."""
        with self.web(step) as mark:
            deadline = time.monotonic() + 120
            while not mark.exists() and time.monotonic() < deadline:
                self.tap(pledge)
                time.sleep(0.2)
            assert mark.exists(), f"{step} was never come to"
        with self.web(LIVES) as _:
            until(lambda: self.tap(pledge))


@pytest.fixture
def town(new_database: Callable[[], str], redis_flushed: str, tmp_path: Path) -> Iterator[Town]:
    url, port = new_database(), free_port()
    bot = f"http://127.0.0.1:{port}"
    pay = PayOptions(mchid=MCHID, keys_dir=key_folder())
    options = replace(OPTIONS, bot_url=f"{bot}/wechat", people=PEOPLE, pay=pay, account_name="帮扶通", deadline=60.0)
    simulator = Simulator(options)
    with ExitStack() as stack:
        stack.callback(simulator.close)
        simulator.timeline.start()
        wechat = stack.enter_context(serving(create_simulator(simulator.options, simulator)))
        urls: dict[str, Any] = {"public_url": bot, "wechat_api_url": wechat, "pay_api_url": wechat}
        stage = Collecting(url, redis_flushed, **urls)
        stack.callback(stage.close)
        stage.simulator, stage.wechat_url, stage.bot_url = simulator, wechat, bot
        given = {name.upper(): str(value) for name, value in urls.items()}
        settings = environment(url, redis_flushed, tmp_path / "media", **given, **_pay_settings())
        yield Town(stage, simulator, wechat, port, tmp_path, settings)


def _pay_settings() -> dict[str, str]:
    return {name: str(value) for name, value in settings_in(key_folder()).items()}


@pytest.mark.chaos
def test_whoever_dies_at_whatever_step_the_gift_is_held_once_and_told_once(town: Town) -> None:
    stage = town.stage
    appeal = stage.open_appeal()
    pledges = []
    for step in WEB:
        pledges.append(stage.pledged(FEN, appeal=appeal))
        town.pay(pledges[-1], step)
    with Database(stage.database) as db:
        assert set(db.scalars(select(Pledge.state).where(Pledge.id.in_(pledges)))) == {"committed"}
        assert totals(db, appeal).held == FEN * len(WEB)
        posted = select(func.count()).where(LedgerTransaction.kind == "payment_received")
        assert db.scalar(posted) == len(WEB)
    assert _wrong(stage) == []
    _push(town, appeal)
    _give_back(town, pledges[:2])
    _check_told(town)
    assert _wrong(stage) == []


def _push(town: Town, appeal: int) -> None:
    """What a donor is owed for one more gift each, by workers of which one after the other dies with it."""
    stage, jobs = town.stage, JobQueues(town.settings["REDIS_URL"])
    for step in PUSH:
        give(stage, appeal, FEN, DONOR)
        with town.dying(step, "push") as mark:
            jobs.deliver(_owed(stage), "push")
            until(mark.exists)
    give(stage, appeal, FEN, DONOR)  # of which the next worker, which lives, tells
    jobs.redis.close()


def _check_told(town: Town) -> None:
    """Each gift has gone out once at most, and where nobody knows whether it has it waits for the next message."""
    stage = town.stage
    with Database(stage.database) as db:
        told = db.scalars(select(Notification).where(Notification.template == "payment_received")).all()
        codes = db.scalars(select(Pledge.code)).all()
    assert len(told) == len(codes) == len(WEB) + len(PUSH) + 1
    assert {notice.state for notice in told} <= {"sent", "delivered", "waiting", "read"}
    seen = [entry for entry in town.simulator.chat.newer_than(0)["entries"] if entry["openid"] == DONOR]
    thanked = [str(entry) for entry in seen if "退" not in str(entry)]
    assert all(sum(code in entry for entry in thanked) <= 1 for code in codes)
    assert sum(notice.sent_at is not None for notice in told) >= 1


def _owed(stage: Collecting) -> list[int]:
    with Database(stage.database) as db:
        owed = (
            (Notification.state == "owed")
            & (Notification.template == "payment_received")
            & (Notification.due_at <= stage.clock())
        )
        return list(db.scalars(select(Notification.id).where(owed).order_by(Notification.id)))


def _under_way(stage: Collecting) -> int:
    """Claimed by a worker that is dead, until the clock finds it."""
    with Database(stage.database) as db:
        return db.scalar(select(func.count()).where(Notification.state.in_(("owed", "sending")))) or 0


def _all_write(stage: Collecting) -> None:
    """Everybody has just written: whoever did ten minutes ago is told in the morning, where it is night in China."""
    with Database(stage.database) as db, db.begin():
        db.execute(update(Conversation).values(touched_at=stage.clock()))


def _give_back(town: Town, pledges: list[int]) -> None:
    """A gift that is asked back: whoever dies before or after the platform was told, it goes back once."""
    stage, jobs = town.stage, JobQueues(town.settings["REDIS_URL"])
    refunds = []
    for pledge in pledges:
        with Database(stage.database) as db, db.begin():
            gift = db.get_one(Pledge, pledge)
            get_appeal(db, gift.appeal_id, lock=True)
            refunds.append(request_refund(db, db.get_one(User, gift.donor_id), gift.code, stage.clock()).id)
    for step, refund in zip(PAY_BACK, refunds, strict=True):
        with town.dying(step, "default") as mark:
            jobs.put([("ask_refunds", [refund])])
            until(mark.exists)
    jobs.redis.flushdb()

    def gone_back() -> bool:
        with Database(stage.database) as db:
            return set(db.scalars(select(Refund.state).where(Refund.id.in_(refunds)))) == {"paid"}

    # The clock's sweep finds both; one order is asked about once a minute.
    with town.web(LIVES), process("flask", "--app", "wsgi", "worker", settings=town.settings):
        _all_write(stage)
        until(gone_back, 400)
        _all_write(stage)
        until(lambda: not _under_way(stage), 400)
    jobs.redis.close()
    with Database(stage.database) as db:
        assert db.scalar(select(func.count()).where(LedgerTransaction.kind == "refund_paid")) == len(refunds)
        assert set(db.scalars(select(Pledge.state).where(Pledge.id.in_(pledges)))) == {"refunded"}


def _wrong(stage: Collecting) -> list[str]:
    with snapshot(stage.settings.database_url) as connection:
        return [f"{one.code} {one.subject} {one.subject_id}" for one in violations(connection, stage.clock())]
