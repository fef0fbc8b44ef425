"""Orders that were paid before the simulator started: known, refundable, and on their day's bill."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from bot.simulator.pay.paid import PaidOrder, read_paid
from tests.harness.money.merchant import DAY, MCHID, NOON, NOTIFY, code, trading

KNOWN = PaidOrder(
    mchid=MCHID,
    out_trade_no="BEFORE01",
    transaction_id="4200000000202611240000000001",
    openid="oAunt",
    description="苗寨修路",
    total=10_000,
    notify_url=NOTIFY,
    created=NOON - DAY - 180,
    paid_at=NOON - DAY,
)


def test_it_is_paid_and_can_be_refunded() -> None:
    with trading(paid=(KNOWN,)) as merchant:
        trade = merchant.query("BEFORE01").json
        assert trade is not None
        assert (trade["trade_state"], trade["transaction_id"]) == ("SUCCESS", KNOWN.transaction_id)
        assert trade["success_time"] == "2026-11-24T12:00:00+08:00"
        assert code(merchant.order(out_trade_no="BEFORE01")) == (400, "ORDERPAID")
        order = merchant.simulator.pay.orders.by_transaction(KNOWN.transaction_id)
        assert merchant.refund(order, "R1", 10_000).status_code == 200
        merchant.simulator.timeline.move(60)
        assert merchant.query("BEFORE01").json["trade_state"] == "REFUND"  # type: ignore[index]


def test_it_is_on_the_bill_of_its_day() -> None:
    with trading(paid=(KNOWN,)) as merchant:
        _, token = merchant.simulator.pay.bills.apply("2026-11-24")
        assert "BEFORE01" in merchant.simulator.pay.bills.fetch(token).decode()


def test_a_file_tells_of_this_merchants_alone(tmp_path: Path) -> None:
    file = tmp_path / "paid.json"
    file.write_text(json.dumps([asdict(KNOWN), asdict(replace(KNOWN, mchid="1900000110"))]), encoding="utf-8")
    assert read_paid(file, MCHID) == (KNOWN,)


@pytest.mark.parametrize("written", ["{}", '[{"mchid": "1900000109"}]', "nothing"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, written: str) -> None:
    file = tmp_path / "paid.json"
    file.write_text(written, encoding="utf-8")
    with pytest.raises(ValueError, match=r"paid\.json|Expecting value"):
        read_paid(file, MCHID)
