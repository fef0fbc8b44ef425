"""Orders at Pay's API, from the first call to the last."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from bot.simulator.app import create_simulator
from bot.simulator.faults import Fault, Kind
from bot.simulator.pay.moments import rfc3339
from bot.simulator.serving import serving
from tests.harness.money.merchant import MCHID, NOON, NOTIFY, OPTIONS, PIN, Merchant, code, trading


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    with trading() as merchant:
        yield merchant


def test_an_order_is_made_and_asked_for(merchant: Merchant) -> None:
    number, prepay_id = merchant.ordered()
    assert prepay_id.startswith("wx")
    assert merchant.query(number).json == {
        "amount": {"currency": "CNY", "total": 10_000},
        "appid": OPTIONS.app_id,
        "mchid": MCHID,
        "out_trade_no": number,
        "promotion_detail": [],
        "trade_state": "NOTPAY",
        "trade_state_desc": "订单未支付",
    }
    merchant.simulator.pay.pay("oAunt", prepay_id, PIN)
    paid = merchant.query(number).json
    assert paid is not None
    transaction_id = paid["transaction_id"]
    assert (len(transaction_id), transaction_id[10:18]) == (28, "20261125")
    assert paid == {
        "amount": {"currency": "CNY", "payer_currency": "CNY", "payer_total": 10_000, "total": 10_000},
        "appid": OPTIONS.app_id,
        "attach": "pledge 7",
        "bank_type": "OTHERS",
        "mchid": MCHID,
        "out_trade_no": number,
        "payer": {"openid": "oAunt"},
        "promotion_detail": [],
        "success_time": "2026-11-25T12:00:00+08:00",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "trade_type": "JSAPI",
        "transaction_id": transaction_id,
    }
    by_id = merchant.call("GET", f"/v3/pay/transactions/id/{transaction_id}?mchid={MCHID}")
    assert by_id.json == paid


def test_a_query_wants_the_merchant_and_a_known_number(merchant: Merchant) -> None:
    number, _ = merchant.ordered()
    assert code(merchant.call("GET", f"/v3/pay/transactions/out-trade-no/{number}")) == (400, "PARAM_ERROR")
    assert code(merchant.query("NEVER000")) == (404, "ORDER_NOT_EXIST")
    assert code(merchant.call("GET", f"/v3/pay/transactions/id/4200?mchid={MCHID}")) == (404, "ORDER_NOT_EXIST")


@pytest.mark.sampled(4)  # many alike
@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"appid": "wx0"}, "APPID_MCHID_NOT_MATCH"),
        ({"mchid": "1900000000"}, "PARAM_ERROR"),
        ({"description": ""}, "PARAM_ERROR"),
        ({"description": "路" * 128}, "PARAM_ERROR"),
        ({"description": 5}, "PARAM_ERROR"),
        ({"attach": "x" * 129}, "PARAM_ERROR"),
        ({"out_trade_no": "AB123"}, "PARAM_ERROR"),
        ({"out_trade_no": "A" * 33}, "PARAM_ERROR"),
        ({"out_trade_no": "号码号码号码"}, "PARAM_ERROR"),
        ({"out_trade_no": "ABC 123"}, "PARAM_ERROR"),
        ({"out_trade_no": "ABC@123"}, "PARAM_ERROR"),
        ({"out_trade_no": 1234567}, "PARAM_ERROR"),
        ({"amount": {"total": 0}}, "PARAM_ERROR"),
        ({"amount": {"total": -1}}, "PARAM_ERROR"),
        ({"amount": {"total": 1.5}}, "PARAM_ERROR"),
        ({"amount": {"total": "100"}}, "PARAM_ERROR"),
        ({"amount": {"total": True}}, "PARAM_ERROR"),
        ({"amount": {"total": 1, "currency": "USD"}}, "PARAM_ERROR"),
        ({"amount": 100}, "PARAM_ERROR"),
        ({"payer": {"openid": "oNobody"}}, "PARAM_ERROR"),
        ({"payer": {}}, "PARAM_ERROR"),
        ({"notify_url": "http://merchant.example/pay"}, "PARAM_ERROR"),
        ({"notify_url": f"{NOTIFY}?a=1"}, "PARAM_ERROR"),
        ({"notify_url": f"{NOTIFY}?"}, "PARAM_ERROR"),
        ({"notify_url": f"{NOTIFY}#a"}, "PARAM_ERROR"),
        ({"notify_url": "https://[1"}, "PARAM_ERROR"),
        ({"notify_url": "/pay/notify"}, "PARAM_ERROR"),
        ({"notify_url": f"{NOTIFY}/{'x' * 255}"}, "PARAM_ERROR"),
        ({"time_expire": "2026-11-25T12:00:59+08:00"}, "PARAM_ERROR"),
        ({"time_expire": "2026-11-25T13:00:00"}, "PARAM_ERROR"),
        ({"time_expire": "2026-11-25 13:00:00+08:00"}, "PARAM_ERROR"),
        ({"time_expire": "2026-13-25T13:00:00+08:00"}, "PARAM_ERROR"),
    ],
)
def test_what_an_order_must_be(merchant: Merchant, wrong: dict[str, Any], expected: str) -> None:
    assert code(merchant.order(**wrong)) == (400, expected)


@pytest.mark.parametrize("body", ["", "{", "[]", "5"])
def test_a_body_must_be_an_object(merchant: Merchant, body: str) -> None:
    assert code(merchant.call("POST", "/v3/pay/transactions/jsapi", body)) == (400, "PARAM_ERROR")


@pytest.mark.sampled(3)  # many alike
@pytest.mark.parametrize(
    "right",
    [
        {"description": "路" * 127, "attach": "x" * 128},
        {"out_trade_no": "A_-|*9"},
        {"out_trade_no": "A" * 32},
        {"amount": {"total": 1}},
        {"time_expire": "2026-11-25T12:01:00+08:00"},
        {"time_expire": "2026-11-25T04:01:00Z"},
        {"notify_url": "http://127.0.0.1:8000/pay/notify"},
        {"notify_url": "http://localhost/pay/notify"},
    ],
)
def test_what_an_order_may_be(merchant: Merchant, right: dict[str, Any]) -> None:
    assert merchant.order(**right).status_code == 200


def test_plain_http_is_taken_on_this_machine_only_where_it_is_set() -> None:
    with trading(http_on_loopback=False) as merchant:
        assert code(merchant.order(notify_url="http://127.0.0.1:8000/pay")) == (400, "PARAM_ERROR")
        assert merchant.order(notify_url="https://127.0.0.1:8000/pay").status_code == 200


def test_the_same_order_again_gives_a_fresh_prepay_id_and_another_is_refused(merchant: Merchant) -> None:
    asked = merchant.asked()
    number = asked["out_trade_no"]
    first = merchant.call("POST", "/v3/pay/transactions/jsapi", asked).json
    second = merchant.call("POST", "/v3/pay/transactions/jsapi", asked).json
    assert first is not None
    assert second is not None
    assert first["prepay_id"] != second["prepay_id"]
    assert code(merchant.order(out_trade_no=number, description="修桥")) == (400, "INVALID_REQUEST")
    assert code(merchant.order(out_trade_no=number, amount={"total": 1})) == (400, "INVALID_REQUEST")
    assert merchant.simulator.pay.pay("oAunt", first["prepay_id"], PIN).err_msg.endswith(":ok")
    assert merchant.simulator.pay.pay("oAunt", second["prepay_id"], PIN).reason == "paid"
    assert code(merchant.call("POST", "/v3/pay/transactions/jsapi", asked)) == (400, "ORDERPAID")


def test_what_has_expired_is_not_closed(merchant: Merchant) -> None:
    number, prepay_id = merchant.ordered(time_expire=rfc3339(NOON + 60))
    merchant.simulator.timeline.move(60)
    assert merchant.simulator.pay.pay("oAunt", prepay_id, PIN).reason == "order_expired"
    assert merchant.query(number).json["trade_state"] == "NOTPAY"  # type: ignore[index]
    merchant.simulator.timeline.move(3 * 86400)
    assert merchant.query(number).json["trade_state"] == "NOTPAY"  # type: ignore[index]


def test_what_a_merchant_calls_an_hour_ahead_is_an_hour_ahead_after_the_clock_was_moved(merchant: Merchant) -> None:
    merchant.simulator.timeline.move(86400)
    _, prepay_id = merchant.ordered(time_expire=rfc3339(NOON + 3600))
    merchant.simulator.timeline.move(3599)
    assert merchant.simulator.pay.pay("oAunt", prepay_id, PIN).err_msg.endswith(":ok")


def test_a_prepay_id_lives_two_hours(merchant: Merchant) -> None:
    (number, old), (_, other) = merchant.ordered(), merchant.ordered()
    merchant.simulator.timeline.move(7199)
    assert merchant.simulator.pay.pay("oAunt", other, PIN).err_msg.endswith(":ok")
    merchant.simulator.timeline.move(1)
    assert merchant.simulator.pay.pay("oAunt", old, PIN).reason == "prepay_expired"
    fresh = merchant.simulator.pay.orders.create(merchant.simulator.pay.orders.by_number(number).asked)
    assert merchant.simulator.pay.pay("oAunt", fresh, PIN).err_msg.endswith(":ok")


# --- closing


def test_an_order_is_closed_after_five_minutes(merchant: Merchant) -> None:
    number, prepay_id = merchant.ordered()
    merchant.simulator.timeline.move(299)
    assert code(merchant.close(number)) == (400, "INVALID_REQUEST")
    merchant.simulator.timeline.move(1)
    answer = merchant.close(number)
    assert (answer.status_code, answer.data) == (204, b"")
    assert merchant.query(number).json["trade_state"] == "CLOSED"  # type: ignore[index]
    assert merchant.simulator.pay.pay("oAunt", prepay_id, PIN).reason == "closed"
    asked = merchant.simulator.pay.orders.by_number(number).asked
    assert code(merchant.call("POST", "/v3/pay/transactions/jsapi", asked)) == (400, "ORDER_CLOSED")
    assert merchant.close(number).status_code == 204


def test_what_is_paid_or_being_paid_is_not_closed(merchant: Merchant) -> None:
    (paid, first), (paying, second) = merchant.ordered(), merchant.ordered()
    merchant.simulator.timeline.move(300)
    merchant.simulator.pay.pay("oAunt", first, PIN)
    assert code(merchant.close(paid)) == (400, "ORDERPAID")
    merchant.simulator.pay.phone.bank_seconds = 20
    assert merchant.simulator.pay.pay("oAunt", second, PIN).reason == "paying"
    assert code(merchant.close(paying)) == (202, "USERPAYING")
    assert merchant.simulator.pay.pay("oAunt", second, PIN).reason == "paying"
    assert merchant.simulator.pay.phone.state(second) == "USERPAYING"
    merchant.simulator.timeline.move(20)
    assert code(merchant.close(paying)) == (400, "ORDERPAID")


def test_closing_names_the_merchant(merchant: Merchant) -> None:
    number, _ = merchant.ordered()
    path = f"/v3/pay/transactions/out-trade-no/{number}/close"
    assert code(merchant.call("POST", path, {})) == (400, "PARAM_ERROR")
    assert code(merchant.call("POST", path, {"mchid": "1900000000"})) == (400, "PARAM_ERROR")


# --- limits and faults


def test_sixty_orders_a_second(merchant: Merchant) -> None:
    merchant.simulator.pay.rates.limits["order"] = 3
    assert [merchant.order().status_code for _ in range(4)] == [200, 200, 200, 429]
    merchant.simulator.timeline.move(1)
    assert merchant.order().status_code == 200


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (-1, (500, "SYSTEM_ERROR")),
        (429, (429, "FREQUENCY_LIMITED")),
        (403, (403, "NOT_ENOUGH")),
        (401, (401, "SIGN_ERROR")),
    ],
)
def test_the_fault_desk_refuses_calls_of_pay(merchant: Merchant, number: int, expected: tuple[int, str]) -> None:
    merchant.simulator.faults.add(Fault(Kind.REFUSE, times=1, code=number, where="/v3/pay"))
    assert code(merchant.order()) == expected
    assert merchant.order().status_code == 200


def test_a_lost_answer_leaves_an_order_behind(merchant: Merchant) -> None:
    merchant.simulator.faults.add(Fault(Kind.LOST, times=1, where="/v3/pay"))
    asked = merchant.asked()
    lost = merchant.call("POST", "/v3/pay/transactions/jsapi", asked)
    assert (lost.status_code, lost.data) == (502, b"")  # without a socket, the nearest that can be said
    assert merchant.query(asked["out_trade_no"]).json["trade_state"] == "NOTPAY"  # type: ignore[index]


def test_pay_may_be_down(merchant: Merchant) -> None:
    merchant.simulator.faults.add(Fault(Kind.DOWN, times=1, where="/v3/refund"))
    with (
        serving(create_simulator(merchant.simulator.options, merchant.simulator)) as url,
        pytest.raises(requests.ConnectionError),
    ):
        requests.get(f"{url}/v3/refund/domestic/refunds/1", timeout=5)


def test_many_taps_pay_once(merchant: Merchant) -> None:
    number, prepay_id = merchant.ordered()
    with ThreadPoolExecutor(12) as pool:
        results = list(pool.map(lambda _: merchant.simulator.pay.pay("oAunt", prepay_id, PIN), range(12)))
    assert sorted(result.reason for result in results) == [""] + ["paid"] * 11
    assert [notice.number for notice in merchant.simulator.pay.notices.all()] == [number]


def test_the_same_order_from_many_workers_is_one_order(merchant: Merchant) -> None:
    asked = merchant.asked()
    with ThreadPoolExecutor(12) as pool:
        prepays = list(pool.map(lambda _: merchant.simulator.pay.orders.create(asked), range(12)))
    (order,) = merchant.simulator.pay.orders.all()
    assert set(order.prepays) == set(prepays)
    assert len(set(prepays)) == 12
