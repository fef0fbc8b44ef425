"""The page's endpoints for the pay sheet."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.harness.money.merchant import PIN, Merchant, trading
from tests.simulator.page.simulator_page import HOME


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    with trading() as found:
        yield found


def act(merchant: Merchant, path: str, headers: dict[str, str] = HOME, **fields: Any) -> TestResponse:
    return merchant.client.post(f"/desk/pay/{path}", data=fields, headers=headers)


def told(answer: TestResponse) -> dict[str, Any]:
    return dict(answer.get_json())


def sheets(merchant: Merchant) -> dict[str, Any]:
    return dict(told(merchant.client.get("/desk/feed"))["sheets"])


def test_a_sheet_is_shown_until_the_person_leaves_it(merchant):
    number, prepay_id = merchant.ordered()
    shown = told(act(merchant, "sheet", openid="oAunt", prepay_id=prepay_id))
    expected = {"out_trade_no": number, "payee": "帮扶通", "description": "苗寨修路", "total": 10_000}
    assert {name: shown[name] for name in expected} == expected
    assert sheets(merchant)["oAunt"]["state"] == "NOTPAY"
    assert told(act(merchant, "pin", openid="oAunt", prepay_id=prepay_id, pin="000000"))["reason"] == "wrong_pin"
    assert told(act(merchant, "pin", openid="oAunt", prepay_id=prepay_id, pin=PIN))["err_msg"].endswith(":ok")
    assert sheets(merchant)["oAunt"]["state"] == "SUCCESS"
    act(merchant, "leave", openid="oAunt", number=shown["number"])
    assert sheets(merchant) == {}


def test_leaving_an_earlier_sheet_leaves_the_present_one_open(merchant):
    _, prepay_id = merchant.ordered()
    first = told(act(merchant, "sheet", openid="oAunt", prepay_id=prepay_id))["number"]
    second = told(act(merchant, "sheet", openid="oAunt", prepay_id=prepay_id))["number"]
    act(merchant, "leave", openid="oAunt", number=first)
    assert sheets(merchant)["oAunt"]["number"] == second


def test_what_a_web_page_asks_for_is_checked(merchant):
    _, prepay_id = merchant.ordered()
    asked = merchant.for_bridge(prepay_id)
    assert told(act(merchant, "sheet", openid="oAunt", request=json.dumps(asked)))["prepay_id"] == prepay_id
    forged = act(merchant, "sheet", openid="oAunt", request=json.dumps(asked | {"nonceStr": "x"}))
    assert (forged.status_code, forged.json) == (422, {"error": "bad_signature"})
    milliseconds = act(merchant, "sheet", openid="oAunt", request=json.dumps(asked | {"timeStamp": 1}))
    assert milliseconds.json == {"error": "missing_parameter"}


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"openid": "oAunt", "prepay_id": "wx1"}, 422, "unknown_prepay"),
        ({"openid": "oUncle"}, 422, "other_payer"),
        ({"openid": "oNobody"}, 404, "unknown_person"),
        ({}, 400, "bad_request"),
        ({"openid": "oAunt", "request": "{"}, 400, "bad_request"),
        ({"openid": "oAunt", "request": "[]"}, 400, "bad_request"),
    ],
)
def test_a_sheet_that_cannot_be_shown(merchant, fields, status, error):
    _, prepay_id = merchant.ordered()
    answer = act(merchant, "sheet", **({"prepay_id": prepay_id} | fields))
    assert (answer.status_code, answer.json) == (status, {"error": error})
    assert sheets(merchant) == {}


def test_other_sites_cannot_pay(merchant):
    _, prepay_id = merchant.ordered()
    foreign = {"Origin": "http://evil.test"}
    assert act(merchant, "pin", headers=foreign, openid="oAunt", prepay_id=prepay_id, pin=PIN).status_code == 403
    assert merchant.simulator.pay.phone.state(prepay_id) == "NOTPAY"


def test_callbacks_come_with_the_feed(merchant):
    order = merchant.paid()
    merchant.simulator.timeline.move(0)
    callbacks = told(merchant.client.get("/desk/feed"))["callbacks"]
    assert [(callback["event"], callback["number"]) for callback in callbacks] == [
        ("TRANSACTION.SUCCESS", order.out_trade_no)
    ]
    assert callbacks[0]["attempts"][0]["outcome"] == "unreachable"
