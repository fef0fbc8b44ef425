"""A worker as an operator starts it finds by itself that a bill is missing, and holds it against the books."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session as Database

from bot.pay.demo_keys import settings_in
from models.core.calendar import CHINA
from models.giving.pledge import Pledge
from models.payments.order import PayOrder
from models.treasury.bill import Bill, BillDay
from models.treasury.discrepancy import Discrepancy
from tests.harness.money.merchant import MCHID, PIN, key_folder
from tests.harness.money.paid_stage import DONOR, collecting
from tests.harness.processes.workers import environment, process, until
from tests.scenes.money.gifts import ordered

pytestmark = pytest.mark.slow

AGO = timedelta(days=2)


def test_a_day_is_reconciled_by_a_worker(new_database: Callable[[], str], redis_flushed: str, tmp_path: Path) -> None:
    url = new_database()
    with collecting(url, redis_flushed) as stage:
        stage.clock.move(-AGO)
        appeal = stage.open_appeal()
        ordered(stage, stage.pledged(500, appeal=appeal))  # since when there are bills; nobody pays it
        stage.clock.move(AGO)
        pledge = stage.pledged(12_300, appeal=appeal)
        order_desk = stage.order_desk()
        sheet = order_desk.place(pledge, DONOR)
        assert stage.simulator.pay.pay(DONOR, sheet["package"].removeprefix("prepay_id="), PIN).err_msg.endswith(":ok")
        order = stage.orders()[-1]
        stage.simulator.pay.orders.by_number(order.out_trade_no).paid_at -= AGO.total_seconds()
        order_desk.orders.refresh(order.id, timedelta(0))
        with Database(stage.database) as db:
            assert db.get_one(Pledge, pledge).state == "committed"
            paid_at = db.get_one(PayOrder, order.id).paid_at
        assert paid_at is not None
        day = paid_at.astimezone(CHINA).date()
        keys = {name: str(value) for name, value in settings_in(key_folder()).items()}
        urls = {"PUBLIC_URL": stage.bot_url, "WECHAT_API_URL": stage.wechat_url, "PAY_API_URL": stage.wechat_url}
        settings = environment(url, redis_flushed, tmp_path / "media", **urls, **keys)
        with process("flask", "--app", "wsgi", "worker", settings=settings):
            until(lambda: _state(stage.database, day) == "compared")
        with Database(stage.database) as db:
            row = db.get_one(BillDay, Bill(MCHID, day))
            assert (row.paid_fen, row.ledger_paid_fen, row.lines) == (12_300, 12_300, 1)
            assert db.scalars(select(Discrepancy.id)).all() == []


def _state(database: Engine, day: date) -> str:
    with Database(database) as db:
        row = db.get(BillDay, Bill(MCHID, day))
        return row.state if row else ""
