"""kill -9 at each step from the order to the notice: what is looked at next goes on from there, and the books close."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from models.books import violations
from models.giving.pledge import Pledge
from models.ledger import totals
from models.notifications.notification import Notification
from models.payments.order import PayOrder
from tests.harness.money.merchant import PIN
from tests.harness.money.paid_stage import DONOR, Collecting, collecting
from tests.harness.money.unowned import BY_NOBODY
from tests.harness.processes.killed import killed

pytestmark = pytest.mark.chaos

PLACING = [
    "bot.payments.orders:begin_order:after",
    "bot.pay.client:PayClient.order:before",
    "bot.pay.client:PayClient.order:after",
    "bot.payments.platform_orders:keep_prepaid:after",
    "bot.pay.client:PayClient.pay_sign:before",
]
TAKING = [
    "bot.payments.platform_orders:begin_query:after",
    "bot.pay.client:PayClient.query:after",
    "models.payments.collection:lock_gifts:after",
    "models.payments.commit:moves.given_to_appeals:before",
    "models.payments.commit:moves.given_to_appeals:after",
    "models.payments.commit:notify_users:after",
    "models.payments.commit:notify_of_gifts:after",
    "bot.payments.orders:apply_payment:after",
    "bot.work.queues:JobQueues.enqueue:before",
    "bot.work.queues:JobQueues.enqueue:after",
]


@pytest.fixture
def stage(database_url: str, redis_url: str) -> Iterator[Collecting]:
    with collecting(database_url, redis_url) as stage:
        yield stage


def assert_paid_once(stage: Collecting, pledge: int) -> None:
    with Database(stage.database) as db:
        gift = db.get_one(Pledge, pledge)
        assert gift.state == "committed"
        assert totals(db, gift.appeal_id).public == 10_000
        assert db.scalars(select(PayOrder.state).where(PayOrder.pledge_id == pledge)).all() == ["paid"]
        for kind in ("payment_received", "pledged"):
            assert db.scalar(select(func.count()).where(Notification.template == kind)) == 1
    with stage.database.connect() as connection:
        found = [str(one) for one in violations(connection, stage.clock()) if one.subject not in BY_NOBODY]
    assert found == []


@pytest.mark.parametrize("step", PLACING)
def test_killed_while_an_order_is_placed(stage: Collecting, step: str, tmp_path: Path) -> None:
    pledge = stage.pledged()
    killed(stage, step, tmp_path, "place", str(pledge), DONOR)
    assert stage.pay(pledge) == "paid"  # the donor taps again
    stage.simulator.timeline.move(0)
    assert len(stage.simulator.pay.orders.all()) == 1
    assert_paid_once(stage, pledge)


@pytest.mark.parametrize("then", ["told", "asked"])
@pytest.mark.parametrize("step", TAKING)
def test_killed_while_a_payment_is_taken(stage: Collecting, step: str, then: str, tmp_path: Path) -> None:
    """Then the platform tells of it, or it is asked."""
    pledge = stage.pledged()
    sheet = stage.order_desk().place(pledge, DONOR)
    stage.simulator.pay.pay(DONOR, sheet["package"].removeprefix("prepay_id="), PIN)
    (order,) = stage.orders()
    killed(stage, step, tmp_path, "job", "query_order", str(order.id))
    if then == "told":
        stage.simulator.timeline.move(0)
    else:
        stage.order_desk().orders.refresh(order.id, timedelta(0))
    assert_paid_once(stage, pledge)
