"""The partner's calls for a sub-merchant, against the simulator over a real socket; and callbacks that only look so."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.pay.answers import RefundState, ReleaseState, TradeState
from bot.pay.bill import BadBill, read_bill
from bot.pay.callback import BadCallback, CallbackVerifier, PartnerCallbackVerifier, PaymentCallback, RefundCallback
from bot.pay.errors import Action, BadAnswer, Refused, Unfit, Unreachable
from bot.pay.partner import SubMerchantClient
from bot.pay.signatures import PlatformKeys
from bot.simulator.faults import Fault, Kind
from bot.simulator.pay.phone import OK
from bot.simulator.pay.signing import seal
from config.pay import PlatformKey
from tests.harness.money.merchant import MCHID, NOON, OPTIONS, PIN, Json, Merchant
from tests.harness.money.partner import COOP, ORANGES, OTHER, at_url, client_of, partnering

AT = datetime.fromtimestamp(NOON, UTC)
NUMBER = ORANGES[0]


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    with partnering() as merchant:
        yield merchant


@pytest.fixture
def url(merchant: Merchant) -> Iterator[str]:
    with at_url(merchant) as url:
        yield url


@pytest.fixture
def coop(merchant: Merchant, url: str) -> Iterator[SubMerchantClient]:
    with client_of(merchant, url) as client:
        yield client


def paid(merchant: Merchant, coop: SubMerchantClient) -> str:
    """Pay the order; returns the platform's number of it."""
    prepay_id = coop.order(*ORANGES)
    assert merchant.simulator.pay.pay("oAunt", prepay_id, PIN).err_msg == OK
    return merchant.simulator.pay.orders.by_number(NUMBER, COOP).transaction_id


def fault(merchant: Merchant, times: int) -> None:
    merchant.simulator.faults.add(Fault(Kind.LOST, where="/v3", times=times))


def test_an_order_is_paid_to_the_sub_merchant_and_stays_frozen(merchant: Merchant, coop: SubMerchantClient) -> None:
    prepay_id = coop.order(*ORANGES, expires=AT + timedelta(hours=2))
    assert coop.query(NUMBER).state is TradeState.NOTPAY
    sheet = merchant.simulator.pay.sheet("oAunt", coop.pay_sign(prepay_id))
    assert (sheet.payee, sheet.total) == ("道县柑橘合作社", 10_000)
    merchant.simulator.pay.pay("oAunt", prepay_id, PIN)
    trade = coop.query(NUMBER)
    assert (trade.merchant, trade.fen, trade.openid, trade.paid_at) == (COOP, 10_000, "oAunt", AT)
    order = merchant.simulator.pay.orders.by_number(NUMBER, COOP)
    assert merchant.simulator.pay.releases.frozen(order) == 10_000


def test_another_sub_merchants_client_does_not_find_it(merchant: Merchant, url: str, coop: SubMerchantClient) -> None:
    transaction_id = paid(merchant, coop)
    with client_of(merchant, url, OTHER) as other:
        for ask in (
            lambda: other.query(NUMBER),
            lambda: other.refund(NUMBER, "R1", 1, 10_000),
            lambda: other.release(transaction_id, "RELEASE1", "收货了"),
        ):
            with pytest.raises(Refused) as refused:
                ask()
            assert refused.value.action is Action.ABSENT


def test_a_part_goes_back_and_the_rest_is_released(merchant: Merchant, coop: SubMerchantClient) -> None:
    transaction_id = paid(merchant, coop)
    assert coop.refund(NUMBER, "R1", 3_333, 10_000, reason="坏了一些").merchant == COOP
    release = coop.release(transaction_id, "RELEASE1", "收货了")
    assert (release.state, release.fen, release.merchant) == (ReleaseState.PROCESSING, 6_667, COOP)
    assert coop.release(transaction_id, "RELEASE1", "收货了") == release
    merchant.simulator.timeline.move(60)
    assert coop.query_release(transaction_id, "RELEASE1").state is ReleaseState.FINISHED
    assert coop.query_refund("R1").state is RefundState.SUCCESS
    with pytest.raises(Refused) as refused:
        coop.release(transaction_id, "RELEASE2", "收货了")
    assert (refused.value.code, refused.value.action) == ("NOT_ENOUGH", Action.PERSON)
    with pytest.raises(Refused) as refused:
        coop.query_release(transaction_id, "RELEASE2")
    assert refused.value.action is Action.ABSENT


def test_closing(merchant: Merchant, coop: SubMerchantClient) -> None:
    coop.order(*ORANGES)
    merchant.simulator.timeline.move(300)
    coop.close_order(NUMBER)
    coop.close_order(NUMBER)
    assert coop.query(NUMBER).state is TradeState.CLOSED


@pytest.mark.parametrize("number", ["", "RELEASE 1", "A" * 65])
def test_a_release_that_breaks_a_rule_is_not_sent(coop: SubMerchantClient, number: str) -> None:
    with pytest.raises(Unfit):
        coop.release("4200001234", number, "收货了")
    for wrong in (("42 00", "RELEASE1", "收货了"), ("4200001234", "RELEASE1", ""), ("4200001234", "R1", "收" * 27)):
        with pytest.raises(Unfit):
            coop.release(*wrong)


def test_a_lost_answer_is_one_order_one_refund_and_one_release(merchant: Merchant, coop: SubMerchantClient) -> None:
    fault(merchant, 1)
    transaction_id = paid(merchant, coop)
    assert len(merchant.simulator.pay.orders.all()) == 1
    fault(merchant, 1)
    coop.refund(NUMBER, "R1", 100, 10_000)
    assert len(merchant.simulator.pay.refunds.all()) == 1
    fault(merchant, 2)
    with pytest.raises(Unreachable) as lost:
        coop.release(transaction_id, "RELEASE1", "收货了")
    assert lost.value.outcome_unknown
    assert coop.query_release(transaction_id, "RELEASE1").fen == 9_900


def test_an_answer_signed_wrongly_or_of_another_release_counts_as_none(
    merchant: Merchant, coop: SubMerchantClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    transaction_id = paid(merchant, coop)
    merchant.simulator.pay.signer.bad_answers = 1
    with pytest.raises(BadAnswer, match="not proved"):
        coop.release(transaction_id, "RELEASE1", "收货了")
    releases = merchant.simulator.pay.releases
    told = releases.shown
    monkeypatch.setattr(releases, "shown", lambda each: told(each) | {"out_order_no": "RELEASE7"})
    with pytest.raises(BadAnswer, match="another release"):
        coop.query_release(transaction_id, "RELEASE1")


def test_a_query_that_answers_of_another_sub_merchant_counts_as_none(
    merchant: Merchant, coop: SubMerchantClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(merchant, coop)
    orders = merchant.simulator.pay.orders
    told = orders.shown
    monkeypatch.setattr(orders, "shown", lambda order: told(order) | {"sub_mchid": OTHER})
    with pytest.raises(BadAnswer, match="another order"):
        coop.query(NUMBER)


def test_a_day_is_read_row_by_row_for_one_sub_merchant(merchant: Merchant, url: str, coop: SubMerchantClient) -> None:
    paid(merchant, coop)
    coop.refund(NUMBER, "R1", 50, 10_000)
    merchant.simulator.timeline.move(2 * 86_400)
    to = io.BytesIO()
    assert coop.bill(date(2026, 11, 25), to)
    data = to.getvalue()
    rows = list(read_bill(io.BytesIO(data), MCHID, sub_mch_id=COOP))
    assert [(row.out_trade_no, row.fen, row.refund_asked_fen) for row in rows] == [(NUMBER, 10_000, 0), (NUMBER, 0, 50)]
    with pytest.raises(BadBill, match="payee"):
        list(read_bill(io.BytesIO(data), MCHID, sub_mch_id=OTHER))
    with client_of(merchant, url, OTHER) as other:
        assert not other.bill(date(2026, 11, 25), io.BytesIO())


# --- Callbacks

Headers = dict[str, str]


def door_of(merchant: Merchant) -> PartnerCallbackVerifier:
    return PartnerCallbackVerifier(client_keys(merchant), merchant.own.apiv3_key, MCHID, OPTIONS.app_id)


def client_keys(merchant: Merchant) -> Any:
    return PlatformKeys(PlatformKey(serial, key) for serial, key in merchant.own.platform.items())


def sealed(merchant: Merchant, plain: Json, event: str = "TRANSACTION.SUCCESS") -> tuple[Headers, bytes]:
    """A callback with this in it, signed and sealed as the platform does."""
    body = json.dumps(
        {
            "id": "EV-2018022511223320873",
            "create_time": "2026-11-25T12:00:00+08:00",
            "resource_type": "encrypt-resource",
            "event_type": event,
            "resource": seal(merchant.own.apiv3_key, json.dumps(plain), "transaction"),
        }
    ).encode()
    return merchant.simulator.pay.signer.headers(body, merchant.own.public_id), body


def trade(**changes: Any) -> Json:
    return {
        "sp_appid": OPTIONS.app_id,
        "sp_mchid": MCHID,
        "sub_mchid": COOP,
        "out_trade_no": NUMBER,
        "transaction_id": "4200001234202611251234567890",
        "trade_state": "SUCCESS",
        "success_time": "2026-11-25T12:00:00+08:00",
        "payer": {"sp_openid": "oAunt"},
        "amount": {"total": 100, "currency": "CNY"},
    } | changes


def refund(**changes: Any) -> Json:
    return {
        "sp_mchid": MCHID,
        "sub_mchid": COOP,
        "out_trade_no": NUMBER,
        "transaction_id": "4200001234202611251234567890",
        "out_refund_no": "R1",
        "refund_id": "50300001234",
        "refund_status": "SUCCESS",
        "success_time": "2026-11-25T12:01:00+08:00",
        "amount": {"total": 100, "refund": 40, "payer_total": 100, "payer_refund": 40},
    } | changes


def test_callbacks_say_whose_money_it_is(merchant: Merchant) -> None:
    door = door_of(merchant)
    paid = door.open_callback(*sealed(merchant, trade()), AT)
    assert isinstance(paid, PaymentCallback)
    assert (paid.trade.merchant, paid.trade.out_trade_no, paid.trade.fen, paid.trade.openid) == (
        COOP,
        NUMBER,
        100,
        "oAunt",
    )
    back = door.open_callback(*sealed(merchant, refund(), "REFUND.SUCCESS"), AT)
    assert isinstance(back, RefundCallback)
    assert (back.refund.merchant, back.refund.out_refund_no, back.refund.fen) == (COOP, "R1", 40)


def test_what_the_simulator_sends_is_opened(merchant: Merchant, coop: SubMerchantClient) -> None:
    merchant.simulator.pay.notices.lag = 1e9
    paid(merchant, coop)
    body = merchant.simulator.pay.notices.all()[-1].body.encode()
    headers = merchant.simulator.pay.signer.headers(body, merchant.own.public_id)
    opened = door_of(merchant).open_callback(headers, body, AT)
    assert isinstance(opened, PaymentCallback)
    assert opened.trade == coop.query(NUMBER)


@pytest.mark.parametrize(
    ("plain", "event", "reason"),
    [
        (trade(sp_mchid=OTHER), "TRANSACTION.SUCCESS", "payee"),
        (trade(sp_appid="wx0"), "TRANSACTION.SUCCESS", "payee"),
        (trade(sub_mchid=""), "TRANSACTION.SUCCESS", "fields"),
        (trade(payer={"openid": "oAunt"}), "TRANSACTION.SUCCESS", "fields"),
        (trade(amount={"total": 100, "currency": "USD"}), "TRANSACTION.SUCCESS", "fields"),
        # A gift's callback, which the platform signed as well.
        ({"mchid": MCHID, "appid": OPTIONS.app_id, **trade(sp_mchid=None)}, "TRANSACTION.SUCCESS", "fields"),
        (refund(sp_mchid=OTHER), "REFUND.SUCCESS", "payee"),
        (refund(), "REFUND.CLOSED", "event"),
    ],
)
def test_what_is_not_an_order_of_the_partners_is_refused(
    merchant: Merchant, plain: Json, event: str, reason: str
) -> None:
    with pytest.raises(BadCallback) as bad:
        door_of(merchant).open_callback(*sealed(merchant, plain, event), AT)
    assert bad.value.reason == reason


def test_a_callback_that_is_forged_or_old_is_refused(merchant: Merchant) -> None:
    headers, body = sealed(merchant, trade())
    for changed, now, reason in [
        (body.replace(b"EV-2018", b"EV-2019"), AT, "signature"),
        (body, AT + timedelta(seconds=301), "timestamp"),
    ]:
        with pytest.raises(BadCallback) as bad:
            door_of(merchant).open_callback(headers, changed, now)
        assert bad.value.reason == reason


def test_an_orders_callback_is_no_gifts(merchant: Merchant) -> None:
    door = CallbackVerifier(client_keys(merchant), merchant.own.apiv3_key, MCHID, OPTIONS.app_id)
    with pytest.raises(BadCallback) as bad:
        door.open_callback(*sealed(merchant, trade()), AT)
    assert bad.value.reason == "fields"
