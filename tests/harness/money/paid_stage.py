"""A bot that takes money and the simulator whose money it is, at addresses of their own, each knowing the other's."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server
from typing import Any
from urllib.parse import urlsplit

import requests
from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.pay.client import PayClient
from bot.pay.demo_keys import settings_in
from bot.payments.orders import OrderDesk, PaymentIntake
from bot.simulator.app import create_simulator
from bot.simulator.options import Person
from bot.simulator.pay.options import PayOptions
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator
from bot.work.context import WorkerContext
from config.settings import Environment, Settings
from models.giving.pledge import Pledge
from models.payments.order import PayOrder
from models.people.conversation import Conversation
from tests.harness.money.merchant import MCHID, PIN, key_folder
from tests.harness.simulator.echo_bot import MENU
from tests.harness.simulator.in_process import OPTIONS
from tests.harness.stage import Clock, Stage

DONOR, OTHER = "oAunt", "oUncle"
PEOPLE = (Person(DONOR, "秀英", following=True), Person(OTHER, "建国", following=True))


@dataclass
class Running(Clock):
    """The true time, and as much later as it was moved."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def move(self, by: timedelta) -> None:
        self.ahead += by


class Collecting(Stage):
    """``clock``: another than the true time. ``changes`` of the settings."""

    shares_bots = False  # each has addresses of its own
    simulator: Simulator
    wechat_url: str
    bot_url: str

    def __init__(self, database_url: str, redis_url: str, clock: Clock | None = None, **changes: Any) -> None:
        self.own_clock = clock or Running()
        given = {name.lower(): value for name, value in settings_in(key_folder()).items()} | changes
        self.given = Settings(
            bangfu_env=Environment.DEMO, database_url=database_url, redis_url=redis_url, _env_file=None, **given
        )
        super().__init__(database_url, redis_url=redis_url)

    def _open(self) -> None:
        self.settings = self.given
        self.clock = self.own_clock
        super()._open()

    # The donor's side

    def visit(self, openid: str) -> requests.Session:
        """A browser of this person's inside WeChat."""
        browser = requests.Session()
        browser.cookies.set("bangfu_none", "1")
        browser.get(f"{self.wechat_url}/desk/as", params={"openid": openid, "to": "/desk/feed"}, timeout=60)
        return browser

    def pledged(self, fen: int = 10_000, openid: str = DONOR, appeal: int | None = None) -> int:
        """A pledge that waits to be paid; its number."""
        from tests.scenes.money.gifts import promise

        return promise(self, appeal or self.open_appeal(), fen, openid)

    def link(self, pledge: int) -> str:
        turns = self.app.extensions["bangfu"]["turns"]
        return str(turns.link("pay", f"pledge:{pledge}", 0))

    def pay(self, pledge: int, openid: str = DONOR) -> str:
        """All that the page does, and the PIN; what the page then says."""
        browser, link = self.visit(openid), self.link(pledge)
        assert browser.get(link, timeout=60).status_code == 200
        sheet = self.order(browser, link)["sheet"]
        assert self.simulator.pay.pay(openid, sheet["package"].removeprefix("prepay_id="), PIN).err_msg.endswith(":ok")
        return self.hear(browser, link)

    def order(self, browser: requests.Session, link: str, fallback: str = "refund") -> Any:
        return browser.post(f"{link}/order", json={"fallback": fallback}, timeout=60).json()

    def hear(self, browser: requests.Session, link: str) -> str:
        return str(browser.get(f"{link}/state", timeout=60).json()["state"])

    # Ours

    def order_desk(self) -> OrderDesk:
        context = self.worker_context()
        assert context.pay is not None
        return OrderDesk(PaymentIntake(self.database, context.jobs), context.pay, self.clock)

    def pay_client(self) -> PayClient:
        return next(iter(self.order_desk().clients))

    def worker_context(self) -> WorkerContext:
        if not hasattr(self, "_worker_context"):
            self._worker_context = WorkerContext(self.settings)
        return self._worker_context

    def state(self, table: type[Pledge] | type[PayOrder], number: int) -> str:
        with Database(self.database) as db:
            return db.scalars(select(table.state).where(table.id == number)).one()

    def orders(self) -> list[PayOrder]:
        with Database(self.database, expire_on_commit=False) as db:
            return list(db.scalars(select(PayOrder).order_by(PayOrder.id)))

    def conversation(self, openid: str) -> int:
        with Database(self.database) as db:
            return db.scalars(select(Conversation.id).where(Conversation.openid == openid)).one()

    def close(self) -> None:
        if hasattr(self, "_worker_context"):
            self._worker_context.close()
        super().close()


@contextmanager
def collecting(
    database_url: str, redis_url: str, media_dir: Path | None = None, *, partner: str = "", **options: Any
) -> Iterator[Collecting]:
    """``options`` of the simulator's Pay. Redis is emptied: a test before may have left a breaker open.

    ``partner``: the merchant that signs for sellers' sub-merchants, which ``options`` name.
    """
    with Redis.from_url(redis_url) as store:
        store.flushdb()
    # Both listen from now on, so that nobody else takes their ports before they are served.
    one, two = create_server(("127.0.0.1", 0)), create_server(("127.0.0.1", 0))
    bot, wechat = (f"http://127.0.0.1:{each.getsockname()[1]}" for each in (one, two))
    pay = PayOptions(mchid=MCHID, keys_dir=key_folder(), freeze_days=180, **options)
    # No test of these is about a callback that is answered late: one is given up only where the bot hangs.
    given = replace(OPTIONS, bot_url=f"{bot}/wechat", people=PEOPLE, pay=pay, account_name="帮扶通", deadline=60.0)
    simulator = Simulator(given)
    simulator.menus.create(MENU)
    urls: dict[str, Any] = {"public_url": bot, "wechat_api_url": wechat, "pay_api_url": wechat}
    urls |= {"media_dir": str(media_dir)} if media_dir else {}
    # The partner's agreement keeps money frozen for as long as a harvest takes.
    urls |= {"pay_partner_mch_id": partner, "pay_freeze_days": 180}
    stage = Collecting(database_url, redis_url, **urls)
    stage.simulator, stage.wechat_url, stage.bot_url = simulator, wechat, bot
    try:
        simulated = create_simulator(simulator.options, simulator)
        with one, two, serving(stage.app, listener=one), serving(simulated, listener=two):
            yield stage
    finally:
        simulator.close()
        stage.close()


def link_in(words: str) -> str:
    found = re.search(r"http://\S+/pay/\S+", words)
    assert found, words
    return found[0]


def path_of(link: str) -> str:
    return urlsplit(link).path
