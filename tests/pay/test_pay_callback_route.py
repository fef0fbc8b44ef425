"""POST /pay/notify over real sockets: the simulator's own callbacks, twice, late, out of order, forged and strange."""

import http.client
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from bot.pay.callback import LARGEST_CALLBACK
from bot.payments.orders import sweep_gift_orders
from bot.payments.platform_orders import CLOSABLE
from bot.payments.refunds import ask_refund
from bot.simulator.faults import Fault, Kind
from bot.simulator.pay.notify import PLACE, State
from models.appeals.appeal import freeze, get_appeal
from models.core.state_machine import Actor, By
from models.giving.pledge import Pledge
from models.ledger.accounts import LedgerAccount
from models.notifications.notification import Notification
from models.payments.collection import begin_order
from models.payments.order import PayOrder
from models.payments.refund import Refund
from models.payments.suspense import SuspenseItem
from tests.harness.money.merchant import PIN
from tests.harness.money.paid_stage import DONOR, Collecting, collecting


@pytest.fixture
def stage(database_url: str, redis_url: str) -> Iterator[Collecting]:
    with collecting(database_url, redis_url) as stage:
        yield stage


def placed(stage: Collecting, fen: int = 10_000, appeal: int | None = None) -> tuple[int, str]:
    """A pledge with an order at the platform; its number, and the prepay_id."""
    pledge = stage.pledged(fen, appeal=appeal)
    sheet = stage.order_desk().place(pledge, DONOR)
    return pledge, sheet["package"].removeprefix("prepay_id=")


def enter_pin(stage: Collecting, prepay_id: str) -> None:
    assert stage.simulator.pay.pay(DONOR, prepay_id, PIN).err_msg.endswith(":ok")


def told(stage: Collecting, seconds: float = 0) -> list[int]:
    """The status of every try of every callback until then."""
    stage.simulator.timeline.move(seconds)
    return [attempt.http_status for notice in stage.simulator.pay.notices.all() for attempt in notice.attempts]


def balances(stage: Collecting) -> dict[str, int]:
    with Database(stage.database) as db:
        rows = db.execute(select(LedgerAccount.kind, func.sum(LedgerAccount.balance_fen)).group_by(LedgerAccount.kind))
        return {kind: int(fen) for kind, fen in rows if fen}


def count(stage: Collecting, kind: str) -> int:
    with Database(stage.database) as db:
        return db.scalar(select(func.count()).where(Notification.template == kind)) or 0


HELD = {"channel": 10_000, "appeal": 10_000}


def test_a_payment_that_the_platform_tells_of_is_held(stage: Collecting) -> None:
    pledge, prepay_id = placed(stage)
    enter_pin(stage, prepay_id)
    assert stage.state(Pledge, pledge) == "awaiting_payment"
    assert told(stage) == [204]
    assert stage.state(Pledge, pledge) == "committed"
    assert balances(stage) == HELD
    (order,) = stage.orders()
    trade = stage.simulator.pay.orders.by_number(order.out_trade_no)
    assert (order.state, order.transaction_id) == ("paid", trade.transaction_id)


def test_told_twice_a_second_apart_it_counts_once(stage: Collecting) -> None:
    stage.simulator.faults.add(Fault(Kind.DUPLICATE, where=PLACE))
    _, prepay_id = placed(stage)
    enter_pin(stage, prepay_id)
    assert told(stage, 2) == [204, 204]
    assert balances(stage) == HELD
    assert (count(stage, "payment_received"), count(stage, "pledged")) == (1, 1)


def test_told_eight_times_at_once_it_counts_once(stage: Collecting) -> None:
    _, prepay_id = placed(stage)
    enter_pin(stage, prepay_id)
    (order,) = stage.orders()
    trade = stage.pay_client().query(order.out_trade_no)
    outcomes: list[str] = []
    intake = stage.order_desk().intake
    ready = threading.Barrier(8)

    def take() -> None:
        ready.wait()
        outcomes.append(intake.apply(trade, stage.clock()).outcome)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["committed"] + ["repeated"] * 7
    assert told(stage) == [204]
    assert balances(stage) == HELD


def test_what_the_page_has_asked_is_not_counted_again_when_it_is_told(stage: Collecting) -> None:
    pledge = stage.pledged()
    assert stage.pay(pledge) == "paid"
    assert told(stage) == [204]
    assert balances(stage) == HELD


def test_a_callback_that_never_comes_is_asked_for(stage: Collecting) -> None:
    stage.simulator.faults.add(Fault(Kind.DROP, where=PLACE))
    pledge, prepay_id = placed(stage)
    enter_pin(stage, prepay_id)
    told(stage)
    assert stage.state(Pledge, pledge) == "awaiting_payment"
    stage.clock.move(timedelta(minutes=1, seconds=1))
    asked: list[tuple[str, Any]] = []

    class Kept:
        def enqueue(self, jobs: Any, told: Any = ()) -> None:
            asked.extend(jobs)

    assert sweep_gift_orders(stage.database, Kept(), stage.clock()) == 1
    ((name, order),) = asked
    assert name == "query_order"
    stage.worker_context().run_job("query_order", order)
    assert stage.state(Pledge, pledge) == "committed"
    assert balances(stage) == HELD


def test_a_payment_after_a_freeze_goes_back(stage: Collecting) -> None:
    appeal = stage.open_appeal()
    pledge, prepay_id = placed(stage, appeal=appeal)
    with Database(stage.database) as db, db.begin():
        freeze(db, get_appeal(db, appeal, lock=True), Actor(By.COUNTY, "staff:0"), stage.clock(), "money_misuse")
    enter_pin(stage, prepay_id)
    assert told(stage) == [204]
    assert stage.state(Pledge, pledge) == "refund_pending"
    assert balances(stage) == {"channel": 10_000, "refunds": 10_000}
    with Database(stage.database) as db:
        (refund,) = db.scalars(select(Refund))
    ask_refund(stage.database, stage.pay_client(), refund.id, stage.clock)
    told(stage, 60)
    assert stage.state(Pledge, pledge) == "refunded"
    assert balances(stage) == {}
    # And the payment is told of once more, as late as that.
    (order,) = stage.orders()
    stage.simulator.pay.notify_paid(stage.simulator.pay.orders.by_number(order.out_trade_no))
    assert set(told(stage, 1)) == {204}
    assert balances(stage) == {}


def begun(stage: Collecting, pledge: int) -> PayOrder:
    """Its order, which the platform has not been asked for yet."""
    with Database(stage.database, expire_on_commit=False) as db, db.begin():
        return begin_order(db, stage.pay_client().merchant, pledge, stage.clock())


@pytest.mark.parametrize(("number", "fen"), [(None, 9_000), ("UNKNOWN0001", 500)])
def test_what_cannot_be_right_is_taken_and_waits_for_a_person(stage: Collecting, number: str | None, fen: int) -> None:
    """An order of another sum under our number; one that we never placed."""
    pledge = stage.pledged()
    order = begun(stage, pledge)
    prepay_id = stage.pay_client().order(number or order.out_trade_no, fen, DONOR, "苗寨修路")
    enter_pin(stage, prepay_id)
    assert told(stage) == [204]
    assert stage.state(Pledge, pledge) == "awaiting_payment"
    assert balances(stage) == {"channel": fen, "unassigned": fen}
    with Database(stage.database) as db:
        (case,) = db.scalars(select(SuspenseItem))
        assert (case.kind, case.amount_fen) == ("unknown_order" if number else "other_amount", fen)
    stage.simulator.pay.notify_paid(stage.simulator.pay.orders.by_number(case.out_trade_no))
    told(stage, 1)
    assert balances(stage) == {"channel": fen, "unassigned": fen}


def test_a_probe_and_a_forged_callback_are_refused_and_the_true_one_taken(stage: Collecting) -> None:
    stage.simulator.faults.add(Fault(Kind.FORGE, where=PLACE, times=1))
    pledge, prepay_id = placed(stage)
    enter_pin(stage, prepay_id)
    assert told(stage) == [401]
    assert stage.state(Pledge, pledge) == "awaiting_payment"
    assert told(stage, 15) == [401, 204]
    assert stage.state(Pledge, pledge) == "committed"


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b"{}", 401),
        ({"Wechatpay-Serial": "PUB_KEY_ID_0000000000000000"}, b"{}", 401),
        ({}, b"x" * (LARGEST_CALLBACK + 1), 413),
        ({}, b"", 401),
    ],
)
def test_whoever_is_not_the_platform_learns_nothing(
    stage: Collecting, headers: dict[str, str], body: bytes, status: int
) -> None:
    answer = requests.post(f"{stage.bot_url}/pay/notify", data=body, headers=headers, timeout=60)
    assert (answer.status_code, answer.json()) == (status, {"code": "FAIL", "message": "refused"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"Wechatpay-Serial": "PUB_KEY_ID_0000000000000000"},
        {"Wechatpay-Timestamp": "1700000000"},
        {"Wechatpay-Timestamp": "now"},
        {"Wechatpay-Nonce": ""},
        {"Wechatpay-Signature": ""},
        {"Wechatpay-Signature": "c2hvcnQ="},
        {"Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"},
    ],
)
def test_what_the_headers_show_to_be_no_callback_is_refused_before_its_body_comes(
    stage: Collecting, wrong: dict[str, str]
) -> None:
    signer = stage.simulator.pay.signer
    headers = signer.headers(b"another body", signer.callback_serial()) | wrong
    connection = http.client.HTTPConnection(urlsplit(stage.bot_url).netloc, timeout=60)
    connection.putrequest("POST", "/pay/notify")
    for name, value in headers.items():
        if name.lower() != "content-length":
            connection.putheader(name, value)
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b'{"id"')
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())) == (401, {"code": "FAIL", "message": "refused"})
    connection.close()


def test_a_callback_that_is_replayed_after_its_time_is_refused(stage: Collecting) -> None:
    heard: list[tuple[dict[str, str], bytes]] = []
    post = stage.simulator.pay.notices._post

    def listen(url: str, body: bytes, headers: Any, seconds: float) -> tuple[int, bytes]:
        heard.append((dict(headers), body))
        return post(url, body, headers, seconds)

    stage.simulator.pay.notices._post = listen
    _, prepay_id = placed(stage)
    enter_pin(stage, prepay_id)
    assert told(stage) == [204]
    ((headers, body),) = heard
    again = requests.post(f"{stage.bot_url}/pay/notify", data=body, headers=headers, timeout=60)
    assert again.status_code == 204  # the same in its time: taken, and counted once
    changed = headers | {"Wechatpay-Timestamp": str(int(headers["Wechatpay-Timestamp"]) - 301)}
    for wrong_headers, wrong_body in ((changed, body), (headers, body.replace(b"TRANSACTION", b"TRANSACTIOM"))):
        answer = requests.post(f"{stage.bot_url}/pay/notify", data=wrong_body, headers=wrong_headers, timeout=60)
        assert answer.status_code == 401
    assert balances(stage) == HELD


def test_while_the_database_is_away_the_platform_is_asked_to_come_again(
    stage: Collecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    pledge, prepay_id = placed(stage)
    enter_pin(stage, prepay_id)
    # Whatever it is that fails inside, the commit or before it, nothing of it stays.
    monkeypatch.setattr("models.payments.commit.notify_users", lambda *_: json.loads("no"))
    assert told(stage) == [500]
    assert stage.state(Pledge, pledge) == "awaiting_payment"
    assert balances(stage) == {}
    monkeypatch.undo()
    assert told(stage, 15) == [500, 204]
    assert stage.state(Pledge, pledge) == "committed"
    (notice,) = stage.simulator.pay.notices.all()
    assert notice.state is State.TAKEN


def test_orders_that_nobody_pays_are_closed_at_the_platform_and_here(stage: Collecting) -> None:
    pledge, _ = placed(stage)
    (order,) = stage.orders()
    stage.worker_context().run_job("query_order", order.id)
    assert stage.state(PayOrder, order.id) == "prepaid"
    stage.clock.move(timedelta(hours=2))
    stage.simulator.timeline.move(2 * 3600)
    stage.order_desk().refresh(order.id)
    assert stage.state(PayOrder, order.id) == "closed"
    assert stage.simulator.pay.orders.by_number(order.out_trade_no).closed
    stage.order_desk().place(pledge, DONOR)
    assert len(stage.orders()) == 2


def test_an_order_that_is_being_paid_while_its_time_ends_is_left_alone_and_then_counts(stage: Collecting) -> None:
    pledge, prepay_id = placed(stage)
    (order,) = stage.orders()
    stage.simulator.pay.phone.bank_seconds = 60
    stage.simulator.pay.pay(DONOR, prepay_id, PIN)
    stage.clock.move(timedelta(hours=2))
    stage.order_desk().refresh(order.id)
    assert stage.state(PayOrder, order.id) == "prepaid"
    stage.simulator.timeline.move(60)
    assert stage.state(Pledge, pledge) == "committed"


def test_an_order_is_not_closed_before_the_platform_lets_it_be(stage: Collecting) -> None:
    """The gift can be paid for three minutes more, until the appeal's last five.

    An order lasts the five that closing it asks for.
    """
    placed(stage, appeal=stage.open_appeal(days=(3 + 5) / (24 * 60)))
    (order,) = stage.orders()
    assert order.expires_at == order.created_at + CLOSABLE
    for minutes, state in ((4, "prepaid"), (1, "closed")):
        stage.clock.move(timedelta(minutes=minutes))
        stage.simulator.timeline.move(60 * minutes)
        stage.order_desk().refresh(order.id)
        assert stage.state(PayOrder, order.id) == state


def test_an_order_whose_answer_was_lost_is_closed_when_its_time_is_over(stage: Collecting) -> None:
    """Also one that never came there."""
    order_desk = stage.order_desk()
    for _ in range(2):
        order = begun(stage, stage.pledged())
        if order.id == 1:
            stage.pay_client().order(order.out_trade_no, order.amount_fen, DONOR, "苗寨修路")
    stage.clock.move(timedelta(minutes=10))
    for order in stage.orders():
        order_desk.refresh(order.id)
        assert stage.state(PayOrder, order.id) == "created"
    stage.clock.move(timedelta(hours=2))
    stage.simulator.timeline.move(2 * 3600)
    for order in stage.orders():
        order_desk.refresh(order.id)
        assert stage.state(PayOrder, order.id) == "closed"
