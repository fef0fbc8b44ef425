"""Two merchant accounts in one database: the same numbers at both are apart, in callbacks, refunds and bills."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database
from sqlalchemy.orm import make_transient

from bot.pay.callback import CallbackVerifier
from bot.pay.factory import NOTIFY_PATH
from bot.pay.signatures import PlatformKeys
from bot.payments.orders import PaymentIntake
from bot.payments.refunds import apply_result
from bot.web.payments.pay_callback import pay_callback
from config.pay import PlatformKey
from models.books.money.bills import check_bills
from models.donors.trace import find_trace
from models.giving.pledge import Pledge
from models.payments.order import PayOrder, find_order
from models.payments.platform_order import Payment
from models.payments.refund import Refund, find_refund, new_refund
from models.payments.suspense import SuspenseItem
from models.treasury.bill import BillDay, number_of
from models.treasury.discrepancy import Discrepancy
from tests.harness.money.merchant import MCHID, OPTIONS
from tests.harness.stage import Stage
from tests.scenes.money.bills import AT, TODAY, TOMORROW_MORNING, Counter, counter, day_row
from tests.scenes.money.gifts import ordered, payment_of, promise, state_of, take
from tests.scenes.money.refunds import want_back, wrong_books

OTHER = "1900000999"
NUMBER = "GIFT00000000000001"


@pytest.fixture
def both(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Counter, Counter]]:
    """Both accounts, and whatever number is drawn for one is drawn for the other too."""
    for module in ("collection", "refund"):
        monkeypatch.setattr(f"models.payments.{module}.new_order_number", lambda: NUMBER)
    monkeypatch.setattr("bot.simulator.pay.orders.secrets.randbelow", lambda _most: 7)
    with counter(stage) as ours, counter(stage, OTHER) as theirs:
        yield ours, theirs


def call_back(stage: Stage, at: Counter, said_by: Counter) -> int:
    """The newest callback of one account's platform, at the door of one: how it is answered."""
    own = at.merchant.own
    keys = PlatformKeys(PlatformKey(serial, key) for serial, key in own.platform.items())
    door = CallbackVerifier(keys, own.apiv3_key, at.pay.merchant, OPTIONS.app_id)
    app = Flask("door")
    till, take_refund = PaymentIntake(stage.database, at.handed), partial(apply_result, stage.database)
    app.register_blueprint(pay_callback(door, till, take_refund, stage.clock, _true_now))
    pay = said_by.merchant.simulator.pay
    body = pay.notices.all()[-1].body.encode()
    headers = pay.signer.headers(body, said_by.merchant.own.public_id)
    return app.test_client().post(NOTIFY_PATH, data=body, headers=headers).status_code


def _true_now() -> datetime:
    return AT


def orders(stage: Stage) -> list[tuple[str, str, str]]:
    with Database(stage.database) as db:
        rows = db.scalars(select(PayOrder).order_by(PayOrder.merchant))
        return [(row.merchant, row.out_trade_no, row.state) for row in rows]


def test_a_callback_pays_the_order_of_its_own_account(stage: Stage, both: tuple[Counter, Counter]) -> None:
    ours, theirs = both
    appeal = stage.open_appeal()
    mine, yours = ours.sell(appeal, 5_000), theirs.sell(appeal, 6_000)
    assert orders(stage) == [(MCHID, NUMBER, "prepaid"), (OTHER, NUMBER, "prepaid")]
    assert call_back(stage, ours, theirs) == 401
    assert call_back(stage, theirs, theirs) == 204
    assert orders(stage) == [(MCHID, NUMBER, "prepaid"), (OTHER, NUMBER, "paid")]
    assert [state_of(stage, Pledge, one.pledge_id) for one in (mine, yours)] == ["awaiting_payment", "committed"]
    assert call_back(stage, ours, ours) == 204
    assert orders(stage) == [(MCHID, NUMBER, "paid"), (OTHER, NUMBER, "paid")]
    with Database(stage.database) as db:
        found = [find_order(db, merchant, NUMBER) for merchant in (MCHID, OTHER, "1900000000")]
        assert [one and one.id for one in found] == [mine.id, yours.id, None]
        assert len({one.transaction_id for one in found if one}) == 1
    assert wrong_books(stage) == []


def test_a_number_is_used_once_in_its_account(stage: Stage, both: tuple[Counter, Counter]) -> None:
    appeal = stage.open_appeal()
    ordered(stage, promise(stage, appeal, 5_000, "oOne"))
    ordered(stage, promise(stage, appeal, 5_000, "oTwo"), OTHER)
    with pytest.raises(IntegrityError, match="uq_pay_orders_merchant_out_trade_no"):
        ordered(stage, promise(stage, appeal, 5_000, "oThree"))


def test_a_refund_is_paid_in_its_own_account(stage: Stage, both: tuple[Counter, Counter]) -> None:
    ours, theirs = both
    appeal = stage.open_appeal()
    mine, yours = ours.give_back(ours.give(appeal, 5_000)), theirs.give_back(theirs.give(appeal, 6_000))
    assert mine.out_refund_no == yours.out_refund_no == NUMBER
    with Database(stage.database) as db:
        found = [find_refund(db, merchant, f"{NUMBER}@2") for merchant in (MCHID, OTHER, "1900000000")]
        assert [one and one.id for one in found] == [mine.id, yours.id, None]
    answer = theirs.pay.query_refund(NUMBER)
    theirs.merchant.simulator.timeline.move(300)
    ended = theirs.pay.query_refund(NUMBER)
    assert (answer.merchant, answer.state, ended.state) == (OTHER, "PROCESSING", "SUCCESS")
    apply_result(stage.database, ended, stage.clock())
    with Database(stage.database) as db:
        assert [db.get_one(Refund, one.id).state for one in (mine, yours)] == ["asked", "paid"]


def test_a_refund_cannot_be_of_another_accounts_order(stage: Stage, both: tuple[Counter, Counter]) -> None:
    ours, _ = both
    refund = want_back(stage, ours.give(stage.open_appeal(), 5_000).pledge_id)
    with Database(stage.database) as db, db.begin():
        order, pledge = db.get_one(PayOrder, refund.pay_order_id), db.get_one(Pledge, refund.pledge_id)
        make_transient(order)
        order.merchant = OTHER
        with pytest.raises(IntegrityError, match="fk_refunds_pay_order_id_merchant_pay_orders"):
            new_refund(db, order, pledge, 1, "twice", stage.clock())
        db.rollback()


def test_unknown_payments_of_two_accounts_are_two_suspense_items(stage: Stage) -> None:
    stage.open_appeal()
    for merchant in (MCHID, OTHER, MCHID):
        take(stage, Payment(merchant, "NEVER001", "4200000001", 900, stage.clock()))
    with Database(stage.database) as db:
        found = db.scalars(select(SuspenseItem).order_by(SuspenseItem.merchant)).all()
        assert [(one.merchant, one.transaction_id) for one in found] == [(MCHID, "4200000001"), (OTHER, "4200000001")]


def test_a_gift_is_traced_to_the_payment_of_its_own_account(stage: Stage) -> None:
    pledge = promise(stage, stage.open_appeal(), 5_000)
    payment = payment_of(stage, ordered(stage, pledge))
    take(stage, replace(payment, merchant=OTHER, out_trade_no="NEVER001"))
    take(stage, payment)
    stage.seal()
    with Database(stage.database) as db:
        assert [item.merchant for item in db.scalars(select(SuspenseItem))] == [OTHER]
        found = find_trace(db, db.get_one(Pledge, pledge).code)
    assert found
    assert [step.number for step in found.steps if step.kind == "paid"] == [2]


def test_a_bill_is_held_against_its_own_account_alone(stage: Stage, both: tuple[Counter, Counter]) -> None:
    ours, theirs = both
    appeal = stage.open_appeal()
    ours.sell(appeal, 5_000)
    theirs.give(appeal, 6_000)
    ours.merchant.paid(800)
    ours.merchant.simulator.timeline.move(TOMORROW_MORNING.total_seconds())
    theirs.move(TOMORROW_MORNING)
    assert theirs.reconciler.fetch_bill(number_of(TODAY))
    row = day_row(stage, merchant=OTHER)
    assert (row.state, row.lines, row.paid_fen, row.ledger_paid_fen) == ("compared", 1, 6_000, 6_000)
    with Database(stage.database) as db:
        assert db.scalars(select(BillDay.merchant)).all() == [OTHER]
        assert db.scalars(select(Discrepancy.id)).all() == []
    assert orders(stage)[0] == (MCHID, NUMBER, "prepaid")  # its lost callback is the other bill's to find
    assert ours.reconciler.fetch_bill(number_of(TODAY))
    assert orders(stage)[0] == (MCHID, NUMBER, "paid")
    with Database(stage.database) as db:
        assert [(one.merchant, one.kind, one.theirs_fen) for one in db.scalars(select(Discrepancy))] == [
            (MCHID, "missing_here", 800)
        ]
    assert (day_row(stage).lines, day_row(stage).ledger_paid_fen) == (2, 5_000)
    with stage.database.connect() as connection:
        assert list(check_bills(connection, stage.clock())) == []
