"""Compare the bills of the data set's days with its books, as a worker would have done morning by morning."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.pay.client import PayClient
from bot.pay.signatures import PlatformKeys, Signer
from bot.simulator.app import create_simulator
from bot.simulator.options import Options
from bot.simulator.pay.options import PayOptions
from bot.simulator.pay.paid import PaidOrder
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator
from bot.treasury.gift_bills import gift_reconciler
from bot.work.job import Named
from config.pay import PlatformKey
from config.settings import Settings
from models.treasury.bill import number_of
from models.treasury.due_bills import add_bill_days, next_due_day
from models.treasury.gift_accounts import GIFTS


class _NoQueues:
    """Takes no jobs. The data set's payments have all been heard of, so that no comparison finds one to apply."""

    def enqueue(self, jobs: Sequence[Named], told: Sequence[int] = ()) -> None:
        raise RuntimeError(f"a bill of the data set led to {len(jobs)} jobs")


def compare_past_bills(database: Engine, settings: Settings, paid: Sequence[dict[str, Any]], now: datetime) -> None:
    """Fetch the bill of every day since the first order from a simulator that knows these orders, and compare it.

    ``paid``: see bot.demo.paid_orders; of the market's orders none is compared here. The simulator and its keys last as
    long as this does.
    """
    for mchid in sorted({order["mchid"] for order in paid} - {""}):
        theirs = tuple(PaidOrder(**order) for order in paid if order["mchid"] == mchid)
        with _client(settings, mchid, theirs, now) as client, warnings_only():
            compare_due_bills(database, client, now)


def compare_due_bills(database: Engine, client: PayClient, now: datetime) -> None:
    """Fetch the bills of all days since the merchant's first order, and compare them."""
    reconciler = gift_reconciler(database, _NoQueues(), client, lambda: now)
    with Session(database) as db, db.begin():
        add_bill_days(db, GIFTS, [client.merchant], now)
    for number in _due(database, client.merchant, now):
        reconciler.fetch_bill(number)


def _due(database: Engine, mchid: str, now: datetime) -> Iterator[int]:
    """Yield the due days, the oldest first; each comparison takes its day from among them."""
    while True:
        with Session(database) as db:
            day = next_due_day(db, [mchid], now)
        if day is None:
            return
        yield number_of(day)


@contextmanager
def warnings_only() -> Iterator[None]:
    """Keep two lines for each day of the past out of what a newcomer sees first."""
    usual = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("WARNING"))
    try:
        yield
    finally:
        structlog.configure(wrapper_class=usual)


@contextmanager
def _client(settings: Settings, mchid: str, paid: tuple[PaidOrder, ...], now: datetime) -> Iterator[PayClient]:
    """Make a client of a simulator in this process, both at the time ``now``."""
    options = Options(
        bot_url=settings.public_url,
        app_id=settings.wechat_app_id,
        app_secret=settings.wechat_app_secret.get_secret_value(),
        token=settings.wechat_token.get_secret_value(),
        aes_key=settings.wechat_aes_key.get_secret_value(),
        pay=PayOptions(mchid=mchid, paid=paid),
    )
    simulator = Simulator(options, clock=now.timestamp)
    try:
        keys = simulator.pay.keys()
        with (
            serving(create_simulator(options, simulator)) as url,
            PayClient(
                api_url=url,
                app_id=options.app_id,
                notify_url=paid[0].notify_url,
                signer=Signer(mchid, keys.merchant.serial, keys.merchant.key),
                keys=PlatformKeys([PlatformKey(keys.public_id, keys.public.public_key())]),
                clock=lambda: now,
            ) as client,
        ):
            yield client
    finally:
        simulator.close()
