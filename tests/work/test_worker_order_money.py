"""A worker as an operator starts it takes an order's money, sends it on, and compares its day, whatever gets lost."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from bot.market.payments import OrderPaymentDesk, OrderPaymentIntake
from bot.pay.demo_keys import settings_in
from bot.simulator.faults import Fault, Kind
from bot.simulator.pay.notify import PLACE
from models.core.calendar import CHINA
from models.market.money.payment import OrderPayment
from models.market.money.transfer import OrderTransfer
from models.treasury.bill import BillDay
from models.treasury.discrepancy import Discrepancy
from tests.harness.money.merchant import MCHID, PIN, key_folder
from tests.harness.money.paid_stage import DONOR, Collecting, collecting
from tests.harness.money.partner import SUB_MERCHANTS
from tests.harness.processes.workers import environment, process, until
from tests.scenes.money.stall import COOP, TOTAL, Stall

pytestmark = pytest.mark.slow  # waits for the schedule of a real worker

AGO = timedelta(days=2)


def tap(stage: Collecting, stall: Stall, order: int) -> None:
    context = stage.worker_context()
    assert context.partner is not None
    desk = OrderPaymentDesk(OrderPaymentIntake(context.database, context.jobs), context.partner, stage.clock)
    sheet = desk.place(order, DONOR)
    assert stage.simulator.pay.pay(DONOR, sheet["package"].removeprefix("prepay_id="), PIN).err_msg.endswith(":ok")


def hurry(stall: Stall) -> None:
    """What waits for its next time is due."""
    with stall.session() as db:
        soon = stall.stage.clock() - timedelta(minutes=2)
        db.execute(update(OrderPayment).values(check_at=soon, queried_at=None))
        going = update(OrderTransfer).where(OrderTransfer.state.in_(("owed", "asked")))
        db.execute(going.values(due_at=soon, asked_at=soon))


def test_what_gets_lost_on_the_way_is_found_and_each_fen_moves_once(
    new_database: Callable[[], str], redis_flushed: str, tmp_path: Path
) -> None:
    """No callback comes, and the first answers about refund and release are lost."""
    url = new_database()
    with collecting(url, redis_flushed, partner=MCHID, sub_merchants=SUB_MERCHANTS, refund_seconds=0) as stage:
        stall = Stall(stage, buyer_openid=DONOR)
        stall.take_payment()
        for fault in (Fault(Kind.DROP, where=PLACE), Fault(Kind.LOST, where="/v3/refund", times=2)):
            stage.simulator.faults.add(fault)
        stage.simulator.faults.add(Fault(Kind.LOST, where="/v3/profitsharing", times=2))
        stage.simulator.pay.releases.seconds = 0
        kept, declined = stall.order(), stall.order()
        for order in (kept, declined):
            tap(stage, stall, order)
        keys = {name: str(value) for name, value in settings_in(key_folder()).items()}
        urls = {"PUBLIC_URL": stage.bot_url, "WECHAT_API_URL": stage.wechat_url, "PAY_API_URL": stage.wechat_url}
        urls |= {"PAY_PARTNER_MCH_ID": MCHID}
        settings = environment(url, redis_flushed, tmp_path / "media", **urls, **keys)
        with process("flask", "--app", "wsgi", "worker", settings=settings):
            _until(stage, stall, lambda: {stall.state(kept), stall.state(declined)} == {"paid"})
            stall.act("decline", declined)
            stall.act("hand_over", kept)
            for by in (timedelta(days=8), -timedelta(days=8)):
                stage.clock.move(by)
                stall.end_overdue()
            _until(stage, stall, lambda: stall.account(declined) == (TOTAL, TOTAL, 0, TOTAL))
            _until(stage, stall, lambda: stall.account(kept) == (TOTAL, TOTAL, TOTAL, 0))
        assert (len(stage.simulator.pay.refunds.all()), len(stage.simulator.pay.releases._releases)) == (1, 1)
        assert stall.books() == set()


def test_a_sellers_day_is_compared_by_a_worker(
    new_database: Callable[[], str], redis_flushed: str, tmp_path: Path
) -> None:
    url = new_database()
    with collecting(url, redis_flushed, partner=MCHID, sub_merchants=SUB_MERCHANTS) as stage:
        stall = Stall(stage, buyer_openid=DONOR)
        stall.take_payment()
        stage.simulator.pay.notices.lag = 1e9
        order = stall.order()
        tap(stage, stall, order)
        (paid,) = stage.simulator.pay.orders.all()
        paid.paid_at -= AGO.total_seconds()
        with stall.session() as db:
            db.execute(update(OrderPayment).values(created_at=stage.clock() - AGO - timedelta(hours=1)))
        day = datetime.fromtimestamp(paid.paid_at, CHINA).date()
        keys = {name: str(value) for name, value in settings_in(key_folder()).items()}
        urls = {"PUBLIC_URL": stage.bot_url, "WECHAT_API_URL": stage.wechat_url, "PAY_API_URL": stage.wechat_url}
        urls |= {"PAY_PARTNER_MCH_ID": MCHID}
        settings = environment(url, redis_flushed, tmp_path / "media", **urls, **keys)
        row = select(BillDay).where(BillDay.merchant == COOP, BillDay.day == day, BillDay.state == "compared")
        with process("flask", "--app", "wsgi", "worker", settings=settings), Database(stage.database) as db:
            until(lambda: db.scalar(row) is not None, longest=400)
        with Database(stage.database) as db:
            found = db.scalars(row).one()
            assert (found.paid_fen, found.ledger_paid_fen, found.lines) == (TOTAL, TOTAL, 1)
            assert db.scalars(select(Discrepancy.id)).all() == []
        assert stall.state(order) == "paid"


def _until(stage: Collecting, stall: Stall, holds: Callable[[], bool]) -> None:
    def look() -> bool:
        hurry(stall)
        time.sleep(1)
        stage.simulator.timeline.move(1)
        return holds()

    until(look, longest=400)
