"""An order paid over real sockets: the chat, the page, the simulator's sheet and callbacks, and where the money is."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from bot.market.payments import OrderPaymentDesk, OrderPaymentIntake, sweep_payments
from bot.market.transfers import send_transfers, sweep_transfers
from bot.pay.factory import NOTIFY_PATH, PARTNER_NOTIFY_PATH
from bot.simulator.faults import Fault, Kind
from bot.simulator.pay.notify import PLACE
from bot.simulator.pay.refunds import Outcome
from bot.simulator.pay.signing import seal
from models.ledger.tables import LedgerTransaction
from models.market.money.sub_merchant import withdraw_sub_merchant
from models.market.orders.steps import reserve_instead
from tests.harness.money.merchant import MCHID, PIN
from tests.harness.money.paid_stage import DONOR, OTHER, Collecting, collecting
from tests.harness.money.partner import SUB_MERCHANTS
from tests.harness.pages.examining import examining, in_a_browser
from tests.scenes.money.stall import COOP, TOTAL, Stall


class Selling:
    """The stall, with a bot and a simulator that know each other."""

    def __init__(self, stage: Collecting) -> None:
        self.stage = stage
        self.stall = Stall(stage, buyer_openid=DONOR)
        self.stall.take_payment()
        self.pay = stage.simulator.pay

    def link(self, order: int) -> str:
        return str(self.stage.app.extensions["bangfu"]["turns"].link("order_pay", f"order:{order}", 0))

    def tap(self, order: int) -> tuple[requests.Session, str, str]:
        """The page is opened and its button tapped: the browser, the link, and the prepay_id."""
        browser, link = self.stage.visit(DONOR), self.link(order)
        assert browser.get(link, timeout=10).status_code == 200
        sheet = browser.post(f"{link}/order", json={}, timeout=10).json()["sheet"]
        assert self.pay.sheet(DONOR, sheet).payee == "道县柑橘合作社"
        return browser, link, sheet["package"].removeprefix("prepay_id=")

    def paid(self) -> int:
        order = self.stall.order()
        browser, link, prepay_id = self.tap(order)
        assert self.pay.pay(DONOR, prepay_id, PIN).err_msg.endswith(":ok")
        assert browser.get(f"{link}/state", timeout=10).json() == {"state": "paid"}
        return order

    def send(self, order: int, seconds: float = 60) -> None:
        """The worker sends what is owed, and the platform does it."""
        context = self.stage.worker_context()
        assert context.partner is not None
        numbers = [each.id for each in self.stall.transfers(order)]
        send_transfers(context.database, context.partner, context.jobs, numbers, self.stage.clock)
        self.pay.releases.seconds = seconds
        self.stage.simulator.timeline.move(seconds)
        self.stage.clock.move(timedelta(minutes=2))
        send_transfers(context.database, context.partner, context.jobs, numbers, self.stage.clock)

    def desk(self) -> OrderPaymentDesk:
        context = self.stage.worker_context()
        assert context.partner is not None
        return OrderPaymentDesk(OrderPaymentIntake(context.database, context.jobs), context.partner, self.stage.clock)


@pytest.fixture
def selling(database_url: str, redis_url: str) -> Iterator[Selling]:
    with collecting(database_url, redis_url, partner=MCHID, sub_merchants=SUB_MERCHANTS) as stage:
        selling = Selling(stage)
        yield selling
        assert selling.stall.books() == set()
        with selling.stall.session() as db:
            assert db.query(LedgerTransaction).count() == 0  # the donations' ledger knows nothing of it


def test_a_buyer_pays_in_the_chat_and_the_seller_has_the_money_in_the_end(selling: Selling) -> None:
    stage, stall = selling.stage, selling.stall
    for words in ("买 1 20斤", "湖南省长沙市岳麓区", "麓山南路12号", "王秀兰", "13800000001"):
        said = stage.say(DONOR, words)
    assert "付到卖家自己的微信支付账户，先冻着，不经过我们" in said
    said = stage.say(DONOR, "确认")
    link = re.search(r"http://\S+/pay/orders/\S+", said)
    assert link, said
    browser = stage.visit(DONOR)
    page = browser.get(link[0], timeout=10).text
    assert 'data-state="ready"' in page
    assert "¥70" in page
    assert "梅花镇的卖家，付到卖家自己的微信支付账户" in re.sub(r"\s", "", page)
    sheet = browser.post(f"{link[0]}/order", json={}, timeout=10).json()["sheet"]
    prepay_id = sheet["package"].removeprefix("prepay_id=")
    assert selling.pay.pay(DONOR, prepay_id, PIN).err_msg.endswith(":ok")
    stage.simulator.timeline.move(0)
    assert [each.http_status for notice in selling.pay.notices.all() for each in notice.attempts] == [204]
    assert stall.state(1) == "paid"
    assert 'data-state="paid"' in browser.get(link[0], timeout=10).text
    stage.say("o-seller", "订单")
    assert "先冻着" in stage.say("o-seller", "1")
    stall.act("hand_over", 1)
    stage.clock.move(timedelta(days=8))
    stall.end_overdue()
    order = selling.pay.orders.by_number(selling.pay.orders.all()[0].out_trade_no, COOP)
    assert selling.pay.releases.frozen(order) == TOTAL
    selling.send(1)
    assert selling.pay.releases.frozen(order) == 0
    assert stall.account(1) == (TOTAL, TOTAL, TOTAL, 0)
    assert stall.told("o-seller")[-1][0] == "order_released"


@pytest.mark.slow  # each starts a bot and a simulator of its own
@pytest.mark.parametrize("end", list(Outcome))
def test_a_cancelled_orders_money_goes_back_or_waits_for_the_operator(selling: Selling, end: Outcome) -> None:
    order = selling.paid()
    selling.stall.act("decline", order)
    selling.pay.refunds.end_with(end)
    selling.send(order)
    (back,) = selling.stall.transfers(order)
    assert (back.state, back.trouble) == (("done", None) if end is Outcome.SUCCESS else ("stuck", end.value.lower()))
    assert selling.stall.account(order)[3] == (TOTAL if end is Outcome.SUCCESS else 0)


@pytest.mark.slow  # starts a bot and a simulator of its own
def test_only_the_buyer_opens_the_page_and_an_altered_address_opens_nothing(selling: Selling) -> None:
    order = selling.stall.order()
    link = selling.link(order)
    browser = selling.stage.visit(OTHER)
    answer = browser.get(link, timeout=10)
    assert (answer.status_code, "这不是您的订单" in answer.text, "脐橙" in answer.text) == (403, True, False)
    assert browser.get(f"{link}/state", timeout=10).status_code == 403
    assert browser.post(f"{link}/order", json={}, timeout=10).status_code == 403
    mine = selling.stage.visit(DONOR)
    signed, _, signature = link.rpartition(".")  # whose last character says less than its first
    assert mine.get(f"{signed}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}", timeout=10).status_code == 403
    mine.get(link, timeout=10)
    assert mine.post(f"{link}/order", data="fallback=refund", timeout=10).status_code == 400
    assert selling.pay.orders.all() == []


@pytest.mark.slow  # starts a bot and a simulator of its own
def test_a_callback_that_is_lost_twice_told_or_forged_counts_once(selling: Selling) -> None:
    stage, stall = selling.stage, selling.stall
    for kind in (Kind.DROP, Kind.FORGE, Kind.DUPLICATE):
        stage.simulator.faults.add(Fault(kind, where=PLACE, times=1))
        order = stall.order()
        _, _, prepay_id = selling.tap(order)
        selling.pay.pay(DONOR, prepay_id, PIN)
        stage.simulator.timeline.move(60)
        assert stall.account(order) == (TOTAL, TOTAL, 0, 0)
    assert selling.pay.notices.probes_accepted == []


@pytest.mark.slow  # starts a bot and a simulator of its own
def test_each_kind_of_callback_has_its_own_door(selling: Selling) -> None:
    """A gift's callback says nothing at the orders' door, nor an order's at the gifts'."""
    stage = selling.stage
    stage.simulator.pay.notices.lag = 1e9
    order = selling.stall.order()
    _, _, prepay_id = selling.tap(order)
    selling.pay.pay(DONOR, prepay_id, PIN)
    (notice,) = selling.pay.notices.all()

    def sent(path: str, body: bytes) -> int:
        headers = selling.pay.signer.headers(body, stage.simulator.pay.keys().public_id)
        return requests.post(f"{stage.bot_url}{path}", data=body, headers=headers, timeout=10).status_code

    body = notice.body.encode()
    assert sent(NOTIFY_PATH, body) == 400
    headers = {"Content-Type": "application/json"}
    unsigned = requests.post(f"{stage.bot_url}{PARTNER_NOTIFY_PATH}", data=body, headers=headers, timeout=10)
    assert unsigned.status_code == 401
    other = json.loads(notice.plain) | {"sub_mchid": "1900000111"}
    assert sent(PARTNER_NOTIFY_PATH, _sealed(selling, notice.body, other)) == 204
    assert selling.stall.account(order) == (TOTAL, 0, 0, 0)
    assert [sent(PARTNER_NOTIFY_PATH, body) for _ in range(2)] == [204, 204]
    assert selling.stall.account(order) == (TOTAL, TOTAL, 0, 0)


def _sealed(selling: Selling, body: str, plain: Any) -> bytes:
    resource = seal(selling.stage.simulator.pay.keys().apiv3_key, json.dumps(plain), "transaction")
    return json.dumps(json.loads(body) | {"resource": resource}).encode()


@pytest.mark.slow  # starts a bot and a simulator of its own
def test_paying_after_cancelling_and_after_the_number_was_withdrawn_goes_back(selling: Selling) -> None:
    stall = selling.stall
    cancelled, reserved = stall.order(), stall.order()
    taps = {order: selling.tap(order) for order in (cancelled, reserved)}
    stall.act("cancel", cancelled, "buyer")
    with stall.session() as db:
        now = selling.stage.clock()
        reserve_instead(db, withdraw_sub_merchant(db, COOP, now), now)
    for order, (browser, link, prepay_id) in taps.items():
        selling.pay.pay(DONOR, prepay_id, PIN)
        assert browser.get(f"{link}/state", timeout=10).json() == {"state": "back"}
        selling.send(order)
        assert stall.account(order) == (TOTAL, TOTAL, 0, TOTAL)
    assert stall.state(reserved) == "placed"


@pytest.mark.slow  # starts a bot and a simulator of its own
def test_what_is_not_paid_is_closed_at_the_platform(selling: Selling) -> None:
    stage, stall = selling.stage, selling.stall
    order = stall.order()
    browser, link, prepay_id = selling.tap(order)
    stage.simulator.timeline.move(3600 * 2)
    stage.clock.move(timedelta(hours=2))
    stall.end_overdue()
    context = stage.worker_context()
    assert sweep_payments(context.database, context.jobs, stage.clock()) == 1
    selling.desk().refresh(1)
    assert selling.pay.orders.all()[0].state == "CLOSED"
    assert 'data-state="over"' in browser.get(link, timeout=10).text
    assert selling.pay.pay(DONOR, prepay_id, PIN).reason == "closed"
    assert sweep_payments(context.database, context.jobs, stage.clock()) == 0


@pytest.mark.slow  # starts a bot and a simulator of its own
@pytest.mark.parametrize("kind", [Kind.LOST, Kind.DOWN])
def test_a_platform_that_loses_answers_moves_the_money_once(selling: Selling, kind: Kind) -> None:
    stage, stall = selling.stage, selling.stall
    order = selling.paid()
    stall.act("decline", order)
    stage.simulator.faults.add(Fault(kind, where="/v3/refund", times=2))
    context = stage.worker_context()
    stage.clock.move(timedelta(seconds=1))
    assert sweep_transfers(context.database, context.jobs, stage.clock()) == 1
    selling.send(order)
    selling.send(order)
    assert stall.account(order) == (TOTAL, TOTAL, 0, TOTAL)
    assert len(selling.pay.refunds.all()) == 1


@pytest.mark.slow  # starts a bot and a simulator of its own
@pytest.mark.parametrize("kind", [Kind.LOST, Kind.DOWN])
def test_a_platform_that_loses_answers_releases_once(selling: Selling, kind: Kind) -> None:
    stage, stall = selling.stage, selling.stall
    order = selling.paid()
    stall.act("hand_over", order)
    stage.clock.move(timedelta(days=8))
    stall.end_overdue()
    stage.simulator.faults.add(Fault(kind, where="/v3/profitsharing", times=2))
    for _ in range(3):
        selling.send(order)
    assert stall.account(order) == (TOTAL, TOTAL, TOTAL, 0)
    assert len(selling.pay.releases._releases) == 1
    assert [kind for kind, _ in stall.told("o-seller")].count("order_released") == 1


@pytest.mark.slow  # starts a bot and a simulator of its own
def test_a_seller_that_left_the_platform_leaves_the_buyer_as_they_were(selling: Selling) -> None:
    order = selling.stall.order()
    del selling.pay.orders.sub_merchants[COOP]
    browser, link = selling.stage.visit(DONOR), selling.link(order)
    browser.get(link, timeout=10)
    answer = browser.post(f"{link}/order", json={}, timeout=10)
    assert (answer.status_code, answer.json()) == (503, {"state": "trouble"})
    assert selling.stall.account(order) == (TOTAL, 0, 0, 0)


@in_a_browser
def test_the_page_is_for_everybody(selling: Selling) -> None:
    order = selling.stall.order()
    path = selling.link(order).removeprefix(selling.stage.bot_url)
    with examining(selling.stage, visitor=DONOR) as examine:
        examine(path, "market/order_pay")
        examine(f"{path}x", "market/order_pay_gone", status=403)
