"""Refunds: their limits, their ends, and that no order pays back more than was paid."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.simulator.pay.refunds import PER_ORDER, Outcome
from tests.harness.money.merchant import DAY, NOTIFY, Merchant, code, trading

LONG_ENOUGH = 61.0


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    with trading() as merchant:
        yield merchant


def test_a_refund_is_accepted_now_and_done_later(merchant: Merchant) -> None:
    order = merchant.paid()
    accepted = merchant.refund(order, "R@1", 4000).json
    assert accepted is not None
    assert (
        accepted.items()
        >= {
            "status": "PROCESSING",
            "out_refund_no": "R@1",
            "out_trade_no": order.out_trade_no,
            "transaction_id": order.transaction_id,
            "channel": "ORIGINAL",
            "create_time": "2026-11-25T12:00:00+08:00",
            "user_received_account": "支付用户零钱",
        }.items()
    )
    assert accepted["amount"].items() >= {"total": 10_000, "refund": 4000, "payer_refund": 4000}.items()
    assert "success_time" not in accepted
    assert merchant.query(order.out_trade_no).json["trade_state"] == "REFUND"  # type: ignore[index]
    merchant.simulator.timeline.move(60)
    done = merchant.call("GET", "/v3/refund/domestic/refunds/R@1").json
    assert done == accepted | {"status": "SUCCESS", "success_time": "2026-11-25T12:01:00+08:00"}


def test_the_same_number_again_is_the_same_refund(merchant: Merchant) -> None:
    order, other = merchant.paid(), merchant.paid()
    first = merchant.refund(order, "R1", 4000).json
    assert merchant.refund(order, "R1", 4000).json == first
    assert code(merchant.refund(order, "R1", 4001)) == (400, "INVALID_REQUEST")
    assert code(merchant.refund(other, "R1", 4000)) == (400, "INVALID_REQUEST")
    merchant.simulator.timeline.move(DAY)
    again = merchant.refund(order, "R1", 4000).json
    assert again is not None
    assert again["status"] == "SUCCESS"
    assert len(merchant.simulator.pay.refunds.all()) == 1


def test_two_refunds_of_an_order_are_a_minute_apart(merchant: Merchant) -> None:
    order, other = merchant.paid(), merchant.paid()
    assert merchant.refund(order, "R1", 1).status_code == 200
    merchant.simulator.timeline.move(59)
    assert code(merchant.refund(order, "R2", 1)) == (429, "FREQUENCY_LIMITED")
    assert merchant.refund(other, "R3", 1).status_code == 200
    merchant.simulator.timeline.move(1)
    assert merchant.refund(order, "R2", 1).status_code == 200


def test_an_order_is_paid_back_in_fifty_parts_at_most(merchant: Merchant) -> None:
    order = merchant.paid()
    for number in range(PER_ORDER):
        assert merchant.refund(order, f"R{number}", 1).status_code == 200
        merchant.simulator.timeline.move(LONG_ENOUGH)
    assert code(merchant.refund(order, "R50", 1)) == (400, "INVALID_REQUEST")


def test_a_payment_can_be_paid_back_for_365_days(merchant: Merchant) -> None:
    order = merchant.paid()
    merchant.simulator.timeline.move(365 * DAY)
    assert merchant.refund(order, "R1", 1).status_code == 200
    merchant.simulator.timeline.move(LONG_ENOUGH)
    assert code(merchant.refund(order, "R2", 1)) == (400, "INVALID_REQUEST")


@pytest.mark.sampled(4)  # many alike
@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"transaction_id": "4200"}, (404, "RESOURCE_NOT_EXISTS")),
        ({"transaction_id": None, "out_trade_no": "NEVER000"}, (404, "RESOURCE_NOT_EXISTS")),
        ({"transaction_id": None}, (400, "PARAM_ERROR")),
        ({"out_refund_no": ""}, (400, "PARAM_ERROR")),
        ({"out_refund_no": "R" * 65}, (400, "PARAM_ERROR")),
        ({"out_refund_no": "R 1"}, (400, "PARAM_ERROR")),
        ({"reason": "x" * 81}, (400, "PARAM_ERROR")),
        ({"notify_url": f"{NOTIFY}?a=1"}, (400, "PARAM_ERROR")),
        ({"amount": {"refund": 1, "total": 10_000}}, (400, "PARAM_ERROR")),
        ({"amount": {"refund": 0, "total": 10_000, "currency": "CNY"}}, (400, "PARAM_ERROR")),
        ({"amount": {"refund": 1, "total": 9999, "currency": "CNY"}}, (400, "INVALID_REQUEST")),
        ({"amount": {"refund": 10_001, "total": 10_000, "currency": "CNY"}}, (400, "INVALID_REQUEST")),
    ],
)
def test_what_a_refund_must_be(merchant: Merchant, wrong: dict[str, Any], expected: tuple[int, str]) -> None:
    assert code(merchant.refund(merchant.paid(), "R1", 1, **wrong)) == expected


def test_a_refund_goes_by_either_number_and_needs_a_payment(merchant: Merchant) -> None:
    order = merchant.paid()
    asked = {"transaction_id": None, "out_trade_no": order.out_trade_no}
    assert merchant.refund(order, "R" * 64, 1, **asked).status_code == 200
    number, _ = merchant.ordered()
    unpaid = merchant.simulator.pay.orders.by_number(number)
    assert code(merchant.refund(unpaid, "R2", 1, transaction_id=None, out_trade_no=number)) == (400, "INVALID_REQUEST")
    assert code(merchant.call("GET", "/v3/refund/domestic/refunds/R9")) == (404, "RESOURCE_NOT_EXISTS")


def test_refused_refunds_are_rationed_by_themselves(merchant: Merchant) -> None:
    order = merchant.paid()
    refused = [merchant.refund(order, f"R{number}", 0).status_code for number in range(8)]
    assert refused == [400] * 6 + [429] * 2


@pytest.mark.parametrize(
    ("outcome", "state", "left"), [(Outcome.ABNORMAL, "REFUND", 6000), (Outcome.CLOSED, "SUCCESS", 10_000)]
)
def test_a_refund_may_end_badly(merchant: Merchant, outcome: Outcome, state: str, left: int) -> None:
    order = merchant.paid()
    merchant.simulator.pay.refunds.end_with(outcome)
    merchant.refund(order, "R1", 4000)
    merchant.simulator.timeline.move(LONG_ENOUGH)
    ended = merchant.call("GET", "/v3/refund/domestic/refunds/R1").json
    assert ended is not None
    assert (ended["status"], "success_time" in ended) == (outcome, False)
    assert merchant.query(order.out_trade_no).json["trade_state"] == state  # type: ignore[index]
    assert code(merchant.refund(order, "R2", left + 1)) == (400, "INVALID_REQUEST")
    assert merchant.refund(order, "R3", left).status_code == 200


STEPS = st.lists(
    st.tuples(st.integers(1, 120), st.sampled_from(list(Outcome)), st.sampled_from([0.0, 59.0, 61.0])), max_size=12
)
NUMBERS = count()


@pytest.fixture(scope="module")
def bank() -> Iterator[Merchant]:
    with trading() as merchant:
        for name in merchant.simulator.pay.rates.limits:
            merchant.simulator.pay.rates.limits[name] = 1_000_000
        yield merchant


@given(total=st.integers(1, 200), steps=STEPS)
def test_no_order_pays_back_more_than_was_paid(
    bank: Merchant, total: int, steps: list[tuple[int, Outcome, float]]
) -> None:
    """Whatever is asked for, and however it ends, what is back or on its way is never more than the payment."""
    order = bank.paid(total)
    accepted: list[str] = []
    for amount, outcome, passes in steps:
        number = f"P{next(NUMBERS)}"
        answer = bank.refund(order, number, amount)
        if answer.status_code == 200:
            accepted.append(number)
            bank.simulator.pay.refunds.end_with(outcome)  # the next one that is accepted
        bank.simulator.timeline.move(passes)
        ours = [refund for refund in bank.simulator.pay.refunds.all() if refund.order is order]
        assert [refund.out_refund_no for refund in ours] == accepted
        assert sum(refund.amount for refund in ours if refund.state != Outcome.CLOSED) <= total
    bank.simulator.timeline.move(LONG_ENOUGH)
    standing = [refund.state for refund in bank.simulator.pay.refunds.all() if refund.order is order]
    assert "PROCESSING" not in standing
    assert order.refunded is any(state != Outcome.CLOSED for state in standing)
