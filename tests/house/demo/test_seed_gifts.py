"""The demo's gifts are really paid: the books and the bills of its simulator agree on each of them."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.demo.paid_orders import paid_orders
from bot.demo.past_bills import compare_past_bills
from bot.demo.seed import seed
from bot.simulator.pay.paid import read_paid
from models.books import violations
from models.core.database import snapshot
from models.giving.pledge import Pledge, raised
from models.payments.collection import is_payable
from models.payments.order import PayOrder
from models.payments.refund import Refund
from models.treasury.bill import BillDay
from tests.harness.money.merchant import MCHID, MERCHANT_URL
from tests.harness.platform.wechat import ACCOUNT
from tests.harness.stage import Stage
from tests.scenes.money.bills import AT, Counter, counter, discrepancies, told
from tests.scenes.money.charities import remove_charities

pytestmark = pytest.mark.slow  # each test fills in the whole data set


@pytest.fixture
def till(stage: Stage, tmp_path: Path) -> Iterator[Counter]:
    """The data set, and a simulator that was given its orders as the demo's is."""
    remove_charities(stage.database.url.render_as_string(hide_password=False))
    assert seed(stage.database, ACCOUNT, AT).written
    file = tmp_path / "paid.json"
    with Session(stage.database) as db:
        file.write_text(json.dumps(paid_orders(db, ACCOUNT, MERCHANT_URL)), encoding="utf-8")
    with counter(stage) as till:
        till.merchant.simulator.pay.orders.remember(read_paid(file, MCHID))
        yield till


def test_every_days_bill_has_the_gifts_of_the_books(stage: Stage, till: Counter) -> None:
    with Session(stage.database) as db:
        orders = paid_orders(db, ACCOUNT, MERCHANT_URL)
    compare_past_bills(stage.database, stage.settings, orders, AT)
    with Session(stage.database) as db:
        days = db.scalars(select(BillDay)).all()
        paid = db.scalars(select(PayOrder).where(PayOrder.state == "paid")).all()
    assert discrepancies(stage) == []
    assert len(days) > 20
    assert {(day.state, day.due_at) for day in days} == {("compared", None)}
    assert len(paid) == sum(day.lines for day in days) == 25
    assert sum(order.amount_fen for order in paid) == sum(day.paid_fen for day in days)
    assert sum(day.ledger_paid_fen for day in days) == sum(day.paid_fen for day in days)
    with snapshot(stage.database.url) as connection:
        assert list(violations(connection, AT)) == []


def test_a_bill_that_the_books_do_not_know_is_a_discrepancy(stage: Stage, till: Counter) -> None:
    with Session(stage.database) as db:
        orders = paid_orders(db, ACCOUNT, MERCHANT_URL)
    compare_past_bills(stage.database, stage.settings, orders[1:], AT)
    assert told(stage) == [("missing_there", orders[0]["out_trade_no"], "open")]


def test_a_gift_can_be_refunded(stage: Stage, till: Counter) -> None:
    with Session(stage.database) as db:
        order = db.scalars(select(PayOrder).where(PayOrder.state == "paid").order_by(PayOrder.id.desc())).first()
    assert order is not None
    refund = till.give_back(order)
    till.move(timedelta(minutes=5))
    till.hear_back(refund)
    with Session(stage.database) as db:
        assert db.get_one(Refund, refund.id).state == "paid"
        assert db.get_one(Pledge, order.pledge_id).state == "refunded"


def test_two_promises_wait_to_be_paid_and_count_nowhere(stage: Stage, till: Counter) -> None:
    with Session(stage.database) as db:
        pledges = db.scalars(select(Pledge)).all()
        waiting = [pledge for pledge in pledges if pledge.state == "awaiting_payment"]
        assert sorted(pledge.amount_fen for pledge in waiting) == [4_000, 300_000]
        assert all(is_payable(db, pledge, AT) for pledge in waiting)
        paid = [pledge for pledge in pledges if pledge not in waiting]
        assert {pledge.state for pledge in paid} == {"committed"}
        sums = raised(db, sorted({pledge.appeal_id for pledge in pledges}))
        for appeal, has in sums.items():
            assert has.paid_fen == sum(pledge.amount_fen for pledge in paid if pledge.appeal_id == appeal)
