"""The pay sheet on the phone: what it checks before it shows, and how it ends."""

from collections.abc import Iterator
from typing import Any

import pytest

from bot.simulator.pay.phone import LOCKED_FOR, PIN_TRIES, Refused
from tests.harness.money.merchant import OPTIONS, PIN, Merchant, trading


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    with trading() as merchant:
        yield merchant


def refusal(merchant: Merchant, openid: str, asked: dict[str, Any]) -> str:
    with pytest.raises(Refused) as refused:
        merchant.simulator.pay.sheet(openid, asked)
    assert refused.value.err_msg == "get_brand_wcpay_request:fail"
    return refused.value.reason


def test_the_sheet_shows_what_is_paid_and_to_whom(merchant: Merchant) -> None:
    number, prepay_id = merchant.ordered()
    sheet = merchant.simulator.pay.sheet("oAunt", merchant.for_bridge(prepay_id))
    assert (sheet.prepay_id, sheet.out_trade_no) == (prepay_id, number)
    assert (sheet.payee, sheet.description, sheet.total) == ("帮扶通", "苗寨修路", 10_000)


@pytest.mark.sampled(3)  # many alike
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"appId": ""}, "missing_parameter"),
        ({"paySign": ""}, "missing_parameter"),
        ({"timeStamp": 1_795_579_200}, "missing_parameter"),
        ({"appId": "wx0"}, "wrong_app"),
        ({"signType": "MD5"}, "bad_sign_type"),
        ({"timeStamp": "1795579200000"}, "bad_timestamp"),
        ({"timeStamp": "1795579201"}, "bad_signature"),
        ({"nonceStr": "another"}, "bad_signature"),
        ({"package": "prepay_id=wx0"}, "bad_signature"),
        ({"paySign": "AAAA"}, "bad_signature"),
    ],
)
def test_a_sheet_is_not_shown_for_what_the_merchant_did_not_sign(
    merchant: Merchant, wrong: dict[str, Any], reason: str
) -> None:
    _, prepay_id = merchant.ordered()
    assert refusal(merchant, "oAunt", merchant.for_bridge(prepay_id) | wrong) == reason


def test_a_sheet_is_for_an_order_that_its_payer_can_still_pay(merchant: Merchant) -> None:
    number, prepay_id = merchant.ordered()
    assert refusal(merchant, "oAunt", merchant.for_bridge("wx0")) == "unknown_prepay"
    assert refusal(merchant, "oUncle", merchant.for_bridge(prepay_id)) == "other_payer"
    assert merchant.simulator.pay.pay("oUncle", prepay_id, PIN).reason == "other_payer"
    signed = {"appId": OPTIONS.app_id, "timeStamp": "1795579200", "nonceStr": "n", "package": f"prepay={prepay_id}"}
    sign = merchant.own.sign(*signed.values())
    assert refusal(merchant, "oAunt", signed | {"signType": "RSA", "paySign": sign}) == "unknown_prepay"
    merchant.simulator.timeline.move(300)
    merchant.close(number)
    assert refusal(merchant, "oAunt", merchant.for_bridge(prepay_id)) == "closed"


def test_paying_and_cancelling_are_told_to_the_page(merchant: Merchant) -> None:
    number, prepay_id = merchant.ordered()
    pay = merchant.simulator.pay
    assert pay.cancel("oAunt", prepay_id).err_msg == "get_brand_wcpay_request:cancel"
    assert pay.phone.state(prepay_id) == "NOTPAY"
    assert pay.pay("oAunt", prepay_id, PIN).err_msg == "get_brand_wcpay_request:ok"
    assert pay.phone.state(prepay_id) == pay.orders.by_number(number).state == "SUCCESS"
    assert pay.pay("oAunt", prepay_id, PIN).err_msg == "get_brand_wcpay_request:fail"
    assert refusal(merchant, "oAunt", merchant.for_bridge(prepay_id)) == "paid"
    assert pay.phone.state("wx0") == ""


def test_a_wrong_pin_leaves_the_sheet_open_until_the_phone_locks(merchant: Merchant) -> None:
    (_, prepay_id), (_, other) = merchant.ordered(), merchant.ordered(payer={"openid": "oUncle"})
    pay = merchant.simulator.pay
    for left in range(PIN_TRIES - 1, 0, -1):
        missed = pay.pay("oAunt", prepay_id, "000000")
        assert (missed.err_msg, missed.reason, missed.tries_left) == ("", "wrong_pin", left)
    locked = pay.pay("oAunt", prepay_id, "000000")
    assert (locked.err_msg, locked.reason, locked.tries_left) == ("get_brand_wcpay_request:fail", "locked", 0)
    assert pay.pay("oAunt", prepay_id, PIN).reason == "locked"
    assert refusal(merchant, "oAunt", merchant.for_bridge(prepay_id)) == "locked"
    assert pay.pay("oUncle", other, PIN).err_msg.endswith(":ok")
    merchant.simulator.timeline.move(LOCKED_FOR)
    _, fresh = merchant.ordered()
    assert pay.pay("oAunt", fresh, "").tries_left == PIN_TRIES - 1
    assert pay.pay("oAunt", fresh, PIN).err_msg.endswith(":ok")
    _, last = merchant.ordered()
    assert pay.pay("oAunt", last, "1").tries_left == PIN_TRIES - 1
