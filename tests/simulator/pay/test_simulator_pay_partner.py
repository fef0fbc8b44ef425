"""The simulator's partner mode: orders of sub-merchants, what they freeze, and that none touches another's."""

from collections.abc import Iterator
from typing import Any

import pytest

from bot.simulator.pay.options import SubMerchant, read_sub_merchants
from bot.simulator.pay.refunds import Outcome
from tests.harness.money.merchant import MCHID, OPTIONS, PIN, Merchant, Shop, code, shopping
from tests.harness.money.partner import COOP, OTHER, asked, paid_to, partnering

JSAPI = "/v3/pay/partner/transactions/jsapi"


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    with partnering() as merchant:
        yield merchant


def query(merchant: Merchant, number: str, sub: str = COOP) -> Any:
    path = f"/v3/pay/partner/transactions/out-trade-no/{number}?sp_mchid={MCHID}&sub_mchid={sub}"
    return merchant.call("GET", path)


def release(merchant: Merchant, number: str, release_no: str = "RELEASE1", **changes: Any) -> Any:
    transaction_id = merchant.simulator.pay.orders.by_number(number, COOP).transaction_id
    body = {"sub_mchid": COOP, "transaction_id": transaction_id, "out_order_no": release_no, "description": "收货了"}
    return merchant.call("POST", "/v3/profitsharing/orders/unfreeze", body | changes)


def refund(merchant: Merchant, number: str, refund_no: str, fen: int, **changes: Any) -> Any:
    amount = {"refund": fen, "total": 10_000, "currency": "CNY"}
    body = {"sub_mchid": COOP, "out_trade_no": number, "out_refund_no": refund_no, "amount": amount}
    return merchant.call("POST", "/v3/refund/domestic/refunds", body | changes)


def test_an_order_says_in_every_answer_who_signs_and_who_is_paid(merchant: Merchant) -> None:
    number = paid_to(merchant)
    said = query(merchant, number).json
    order = merchant.simulator.pay.orders.by_number(number, COOP)
    assert said == {
        "amount": {"currency": "CNY", "payer_currency": "CNY", "payer_total": 10_000, "total": 10_000},
        "attach": "order 7",
        "bank_type": "OTHERS",
        "out_trade_no": number,
        "payer": {"sp_openid": "oAunt"},
        "promotion_detail": [],
        "sp_appid": OPTIONS.app_id,
        "sp_mchid": MCHID,
        "sub_mchid": COOP,
        "success_time": "2026-11-25T12:00:00+08:00",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "trade_type": "JSAPI",
        "transaction_id": order.transaction_id,
    }
    by_id = f"/v3/pay/partner/transactions/id/{order.transaction_id}?sp_mchid={MCHID}&sub_mchid={COOP}"
    assert merchant.call("GET", by_id).json == said


def test_the_sheet_names_the_sub_merchant(merchant: Merchant) -> None:
    prepay_id = merchant.call("POST", JSAPI, asked(merchant)).json["prepay_id"]  # type: ignore[index]
    assert merchant.simulator.pay.sheet("oAunt", merchant.for_bridge(prepay_id)).payee == "道县柑橘合作社"
    _, own = merchant.ordered()
    assert merchant.simulator.pay.sheet("oAunt", merchant.for_bridge(own)).payee == "帮扶通"


@pytest.mark.sampled(4)  # many alike
@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"sp_appid": "wx0"}, (400, "APPID_MCHID_NOT_MATCH")),
        ({"sp_mchid": COOP}, (400, "PARAM_ERROR")),
        ({"sub_mchid": ""}, (400, "PARAM_ERROR")),
        ({"sub_mchid": "1900000199"}, (403, "NO_AUTH")),
        ({"payer": {"openid": "oAunt"}}, (400, "PARAM_ERROR")),
        ({"settle_info": {"profit_sharing": "Y"}}, (400, "PARAM_ERROR")),
        ({"settle_info": 1}, (400, "PARAM_ERROR")),
    ],
)
def test_what_an_order_must_be(merchant: Merchant, wrong: dict[str, Any], expected: tuple[int, str]) -> None:
    assert code(merchant.call("POST", JSAPI, asked(merchant, **wrong))) == expected


def test_neither_another_sub_merchant_nor_the_partner_itself_has_the_order(merchant: Merchant) -> None:
    number = paid_to(merchant)
    assert code(query(merchant, number, OTHER)) == (404, "ORDER_NOT_EXIST")
    assert code(merchant.query(number)) == (404, "ORDER_NOT_EXIST")
    assert code(query(merchant, merchant.paid().out_trade_no)) == (404, "ORDER_NOT_EXIST")
    assert code(refund(merchant, number, "R1", 1, sub_mchid=OTHER)) == (404, "RESOURCE_NOT_EXISTS")
    assert code(release(merchant, number, sub_mchid=OTHER)) == (404, "ORDER_NOT_EXIST")


def test_closing_is_for_the_orders_own_sub_merchant(merchant: Merchant) -> None:
    body = asked(merchant)
    prepay_id = merchant.call("POST", JSAPI, body).json["prepay_id"]  # type: ignore[index]
    merchant.simulator.timeline.move(300)
    close = f"/v3/pay/partner/transactions/out-trade-no/{body['out_trade_no']}/close"
    assert code(merchant.call("POST", close, {"sp_mchid": COOP, "sub_mchid": COOP})) == (400, "PARAM_ERROR")
    # A number that this one never ordered is closed as well; the other's order stays open.
    assert merchant.call("POST", close, {"sp_mchid": MCHID, "sub_mchid": OTHER}).status_code == 204
    assert query(merchant, body["out_trade_no"]).json["trade_state"] == "NOTPAY"
    assert merchant.call("POST", close, {"sp_mchid": MCHID, "sub_mchid": COOP}).status_code == 204
    assert merchant.simulator.pay.pay("oAunt", prepay_id, PIN).reason == "closed"


def test_a_release_takes_all_that_is_still_frozen_and_only_once(merchant: Merchant) -> None:
    number = paid_to(merchant)
    assert refund(merchant, number, "R1", 2_501).status_code == 200
    said = release(merchant, number).json
    assert (said["state"], said["receivers"][0]["account"], said["receivers"][0]["amount"]) == (
        "PROCESSING",
        COOP,
        7_499,
    )
    assert release(merchant, number).json == said
    assert code(release(merchant, number, "RELEASE2")) == (403, "NOT_ENOUGH")
    assert code(release(merchant, number, description="别的")) == (400, "INVALID_REQUEST")
    merchant.simulator.timeline.move(60)
    path = f"/v3/profitsharing/orders/RELEASE1?sub_mchid={COOP}&transaction_id={said['transaction_id']}"
    done = merchant.call("GET", path).json
    assert done is not None
    assert (done["state"], done["receivers"][0]["result"]) == ("FINISHED", "SUCCESS")
    assert code(merchant.call("GET", path.replace("RELEASE1", "RELEASE9"))) == (404, "RESOURCE_NOT_EXISTS")
    assert code(merchant.call("GET", path.replace(COOP, OTHER))) == (404, "RESOURCE_NOT_EXISTS")


def test_what_froze_nothing_or_went_back_whole_is_not_released(merchant: Merchant) -> None:
    assert code(release(merchant, paid_to(merchant, settle_info={}))) == (400, "INVALID_REQUEST")
    number = paid_to(merchant)
    assert refund(merchant, number, "R1", 10_000).status_code == 200
    assert code(release(merchant, number)) == (403, "NOT_ENOUGH")


def test_a_refund_that_was_closed_is_frozen_again(merchant: Merchant) -> None:
    number = paid_to(merchant)
    merchant.simulator.pay.refunds.end_with(Outcome.CLOSED)
    refund(merchant, number, "R1", 4_000)
    merchant.simulator.timeline.move(60)
    assert merchant.simulator.pay.releases.frozen(merchant.simulator.pay.orders.by_number(number, COOP)) == 10_000


def test_a_sub_merchant_that_left_is_asked_for_nothing_more(merchant: Merchant) -> None:
    number = paid_to(merchant)
    del merchant.simulator.pay.orders.sub_merchants[COOP]
    assert code(merchant.call("POST", JSAPI, asked(merchant))) == (403, "NO_AUTH")
    assert code(query(merchant, number)) == (403, "NO_AUTH")


def test_callbacks_of_payment_and_refund_name_partner_and_sub_merchant() -> None:
    with shopping() as shop, partnering(callbacks=True) as merchant:
        number = paid_to(merchant, notify_url=shop.url)
        refund(merchant, number, "R1", 100, notify_url=shop.url)
        merchant.simulator.timeline.move(60)
        paid, back = _opened(shop)
    assert (paid["sp_mchid"], paid["sub_mchid"], paid["payer"]) == (MCHID, COOP, {"sp_openid": "oAunt"})
    assert (back["sp_mchid"], back["sub_mchid"], back["refund_status"]) == (MCHID, COOP, "SUCCESS")
    assert not {"mchid", "appid"} & (set(paid) | set(back))


def _opened(shop: Shop) -> list[dict[str, Any]]:
    return [heard["opened"] for heard in shop.heard]


def test_a_bill_is_of_one_sub_merchant(merchant: Merchant) -> None:
    number = paid_to(merchant)
    paid_to(merchant, sub_mchid=OTHER)
    merchant.paid()
    merchant.simulator.timeline.move(2 * 86_400)
    pay = merchant.simulator.pay
    bills = {sub: pay.bills.fetch(pay.bills.apply("2026-11-25", sub_mchid=sub)[1]).decode() for sub in ("", COOP)}
    assert bills[COOP].count("`SUCCESS,") == bills[""].count("`SUCCESS,") == 1
    assert f"`{COOP},`" in bills[COOP]
    assert number in bills[COOP]
    assert number not in bills[""]


def test_sub_merchants_are_read_from_one_setting() -> None:
    assert read_sub_merchants(f"{COOP}=柑橘合作社, {OTHER}=手工合作社") == (
        SubMerchant(COOP, "柑橘合作社"),
        SubMerchant(OTHER, "手工合作社"),
    )
    assert read_sub_merchants("") == ()
    for wrong in ("190", "190=", "a=b"):
        with pytest.raises(ValueError, match="number=name"):
            read_sub_merchants(wrong)
