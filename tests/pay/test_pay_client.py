"""Orders, refunds and their proof, against the simulator over a real socket: what goes out, comes back and fails."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from bot.pay.answers import RefundState, TradeState
from bot.pay.client import PayClient
from bot.pay.errors import Action, BadAnswer, Refused, Unfit, Unreachable
from bot.pay.fields import DESCRIPTION_BYTES, shown
from bot.pay.signatures import PlatformKeys
from bot.simulator.faults import Kind
from bot.simulator.pay.options import Kind as Merchants
from bot.simulator.pay.phone import OK
from bot.simulator.pay.refunds import Outcome
from config.pay import PlatformKey, read_platform_key
from tests.harness.money.merchant import NOTIFY, PIN, Merchant
from tests.harness.processes.workers import until
from tests.pay.pay_client import AT, ORDER, Make, fault, keys_of, paid
from tests.pay.pay_client import make as make
from tests.pay.pay_client import merchant as merchant
from tests.pay.pay_client import pay as pay
from tests.pay.pay_client import url as url

# --- What goes right


def test_an_order_is_paid_by_the_sheet_that_we_sign_for(merchant: Merchant, pay: PayClient) -> None:
    prepay_id = pay.order(*ORDER, attach="pledge 7", expires=AT + timedelta(minutes=30))
    before = pay.query("GIFT000001")
    assert (before.state, before.is_paid, before.transaction_id, before.paid_at) == ("NOTPAY", False, None, None)
    sheet = merchant.simulator.pay.sheet("oAunt", pay.pay_sign(prepay_id))
    assert (sheet.total, sheet.description) == (10_000, "苗寨修路")
    assert merchant.simulator.pay.pay("oAunt", sheet.prepay_id, PIN).err_msg == OK
    after = pay.query("GIFT000001")
    assert (after.state, after.fen, after.openid, after.attach) == (TradeState.SUCCESS, 10_000, "oAunt", "pledge 7")
    assert (after.paid_at, after.is_paid) == (AT, True)
    order = merchant.simulator.pay.orders.by_number("GIFT000001")
    assert after.transaction_id == order.transaction_id
    assert (order.expires, order.notify_url) == ((AT + timedelta(minutes=30)).timestamp(), NOTIFY)


def test_the_same_order_again_is_one_order_with_a_fresh_prepay_id(merchant: Merchant, pay: PayClient) -> None:
    assert pay.order(*ORDER) != pay.order(*ORDER)
    assert len(merchant.simulator.pay.orders.all()) == 1
    with pytest.raises(Refused) as refused:
        pay.order(ORDER[0], 5_000, *ORDER[2:])
    assert (refused.value.code, refused.value.action) == ("INVALID_REQUEST", Action.FIX)
    paid(merchant, pay)
    with pytest.raises(Refused) as refused:
        pay.order(*ORDER)
    assert (refused.value.code, refused.value.action, refused.value.outcome_unknown) == ("ORDERPAID", "query", True)


def test_a_number_may_have_every_sign_that_is_allowed(merchant: Merchant, pay: PayClient) -> None:
    number = "A|B*-_9"
    paid(merchant, pay, number)
    assert pay.query(number).out_trade_no == number
    refund = pay.refund(number, "R|*@-_/".replace("/", "1"), 1, 10_000)
    assert pay.query_refund(refund.out_refund_no).out_refund_no == "R|*@-_1"


def test_closing(merchant: Merchant, pay: PayClient) -> None:
    prepay_id = pay.order(*ORDER)
    with pytest.raises(Refused) as refused:
        pay.close_order("GIFT000001")
    assert (refused.value.code, refused.value.outcome_unknown) == ("INVALID_REQUEST", False)
    merchant.simulator.timeline.move(300)
    pay.close_order("GIFT000001")
    pay.close_order("GIFT000001")
    pay.close_order("NEVER00001")
    assert pay.query("GIFT000001").state == TradeState.CLOSED
    assert merchant.simulator.pay.pay("oAunt", prepay_id, PIN).reason == "closed"
    paid(merchant, pay, "GIFT000002")
    with pytest.raises(Refused) as refused:
        pay.close_order("GIFT000002")
    assert (refused.value.code, refused.value.action) == ("ORDERPAID", Action.QUERY)


def test_closing_while_the_bank_is_slow(merchant: Merchant, pay: PayClient) -> None:
    merchant.simulator.pay.phone.bank_seconds = 400
    prepay_id = pay.order(*ORDER)
    merchant.simulator.pay.pay("oAunt", prepay_id, PIN)
    merchant.simulator.timeline.move(301)
    with pytest.raises(Refused) as refused:
        pay.close_order("GIFT000001")
    assert (refused.value.code, refused.value.status, refused.value.action) == ("USERPAYING", 202, Action.LATER)


def test_who_was_never_ordered_is_absent(pay: PayClient) -> None:
    for ask in (lambda: pay.query("NEVER00001"), lambda: pay.query_refund("R1")):
        with pytest.raises(Refused) as refused:
            ask()
        assert (refused.value.status, refused.value.action, refused.value.outcome_unknown) == (404, "absent", False)
        assert refused.value.request_id


@pytest.mark.parametrize("end", list(Outcome))
def test_a_refund_is_accepted_and_then_ends_in_one_of_three_ways(
    merchant: Merchant, pay: PayClient, end: Outcome
) -> None:
    paid(merchant, pay)
    merchant.simulator.pay.refunds.end_with(end)
    accepted = pay.refund("GIFT000001", "R1", 2_500, 10_000, reason="捐赠人申请")
    assert (accepted.state, accepted.done_at) == (RefundState.PROCESSING, None)
    assert pay.refund("GIFT000001", "R1", 2_500, 10_000, reason="捐赠人申请").refund_id == accepted.refund_id
    merchant.simulator.timeline.move(60)
    ended = pay.query_refund("R1")
    assert (ended.state, ended.fen, ended.order_fen) == (end.value, 2_500, 10_000)
    assert ended.done_at == (AT + timedelta(seconds=60) if end is Outcome.SUCCESS else None)
    assert pay.refund("GIFT000001", "R1", 2_500, 10_000).state == end.value
    assert pay.query("GIFT000001").is_paid
    assert merchant.simulator.pay.refunds.by_number("R1").notify_url == NOTIFY


def test_what_a_refund_is_refused_for(merchant: Merchant, pay: PayClient) -> None:
    paid(merchant, pay)
    pay.refund("GIFT000001", "R1", 9_000, 10_000)
    for number, fen, order_fen, code in [
        ("R1", 1, 10_000, "INVALID_REQUEST"),
        ("R2", 1_001, 10_000, "INVALID_REQUEST"),
        ("R2", 1_000, 10_001, "INVALID_REQUEST"),
        ("R2", 1_000, 10_000, "FREQUENCY_LIMITED"),
    ]:
        with pytest.raises(Refused) as refused:
            pay.refund("GIFT000001", number, fen, order_fen)
        assert refused.value.code == code
    assert refused.value.action is Action.LATER


# --- What is never sent


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("out_trade_no", {"out_trade_no": "short"}),
        ("out_trade_no", {"out_trade_no": "A" * 33}),
        ("out_trade_no", {"out_trade_no": "号GIFT01"}),
        ("out_trade_no", {"out_trade_no": "GIFT000001\n"}),
        ("fen", {"fen": 0}),
        ("fen", {"fen": -1}),
        ("openid", {"openid": ""}),
        ("description", {"description": " \n\x00"}),
        ("attach", {"attach": "修" * 43}),
        ("attach", {"attach": "a\nb"}),
        ("attach", {"attach": "a,`b"}),
        ("expires", {"expires": AT + timedelta(seconds=59)}),
    ],
)
def test_an_order_that_breaks_a_rule_is_not_sent(merchant: Merchant, pay: PayClient, field: str, changes: Any) -> None:
    names = ("out_trade_no", "fen", "openid", "description")
    with pytest.raises(Unfit) as unfit:
        pay.order(**{**dict(zip(names, ORDER, strict=True)), **changes})
    assert (unfit.value.field, unfit.value.outcome_unknown) == (field, False)
    assert merchant.simulator.pay.orders.all() == []


@pytest.mark.parametrize(
    "wrong", [("short", "R1", 1, 1), ("GIFT000001", "", 1, 1), ("GIFT000001", "R1", 0, 1), ("GIFT000001", "R1", 2, 1)]
)
def test_a_refund_that_breaks_a_rule_is_not_sent(pay: PayClient, wrong: Any) -> None:
    with pytest.raises(Unfit):
        pay.refund(*wrong)


@pytest.mark.parametrize(
    "url",
    ["http://merchant.example/n", "https://merchant.example/n?a=1", "https://merchant.example/n#a", "merchant.example"],
)
def test_a_callback_address_that_the_platform_does_not_take_is_refused_at_the_start(make: Make, url: str) -> None:
    with pytest.raises(ValueError, match="calls back"):
        make(notify_url=url)


def test_a_description_is_cut_between_characters(merchant: Merchant, pay: PayClient) -> None:
    pay.order("GIFT000001", 1, "oAunt", "苗寨\n修路`" * 40)
    (order,) = merchant.simulator.pay.orders.all()
    assert order.description == shown("苗寨\n修路`" * 40)
    assert DESCRIPTION_BYTES - 3 < len(order.description.encode()) <= DESCRIPTION_BYTES
    assert not set("`\n\ufffd") & set(order.description)


# --- What gets lost on the way


def test_a_lost_answer_is_asked_for_again_and_is_one_order(merchant: Merchant, pay: PayClient) -> None:
    fault(merchant, Kind.LOST, times=1)
    pay.order(*ORDER)
    assert len(merchant.simulator.pay.orders.all()) == 1
    paid(merchant, pay, "GIFT000002")
    fault(merchant, Kind.LOST, times=1)
    refund = pay.refund("GIFT000002", "R1", 100, 10_000)
    assert [each.refund_id for each in merchant.simulator.pay.refunds.all()] == [refund.refund_id]


def test_after_two_breaks_nobody_knows_and_a_query_tells(merchant: Merchant, pay: PayClient) -> None:
    fault(merchant, Kind.LOST, times=2)
    with pytest.raises(Unreachable) as lost:
        pay.order(*ORDER)
    assert lost.value.outcome_unknown
    assert pay.query("GIFT000001").state == TradeState.NOTPAY


def test_a_platform_that_is_down_is_told_from_one_that_was_never_reached(
    merchant: Merchant, make: Make, pay: PayClient
) -> None:
    fault(merchant, Kind.DOWN)
    with pytest.raises(Unreachable) as down:
        pay.order(*ORDER)
    assert down.value.outcome_unknown
    with pytest.raises(Unreachable) as away:
        make(api_url="http://127.0.0.1:9").order(*ORDER)
    assert not away.value.outcome_unknown


def test_a_slow_platform_is_waited_for_once_and_not_long(merchant: Merchant, make: Make) -> None:
    fault(merchant, Kind.SLOW, where="/v3/pay/transactions/jsapi", times=1, seconds=1.0)
    with pytest.raises(Unreachable) as late:
        make(timeout=(1.0, 0.2)).order(*ORDER)
    assert (late.value.outcome_unknown, late.value.why) == (True, "ReadTimeout")
    # The one fault is used up, so a second try would have had its answer.
    until(lambda: merchant.simulator.faults.shown() == [])


def test_errors_hold_nothing_of_what_was_sent(merchant: Merchant, make: Make) -> None:
    fault(merchant, Kind.DOWN)
    said: list[str] = []
    for client in (make(), make(api_url="http://127.0.0.1:9")):
        with pytest.raises(Unreachable) as failed:
            client.order("GIFT000001", 1, "oAunt-secret-openid", "修路")
        error: BaseException | None = failed.value
        while error is not None:
            said += [str(error), repr(error)]
            error = error.__cause__ or error.__context__
    assert not [text for text in said if "oAunt" in text or "修路" in text or "WECHATPAY2" in text]


class Watcher:
    """A breaker that is told how calls went."""

    def __init__(self, open: bool = False) -> None:
        self.open, self.told = open, ""

    def may_call(self) -> bool:
        return not self.open

    def worked(self) -> None:
        self.told += "w"

    def failed(self) -> None:
        self.told += "f"


def test_a_breaker_hears_of_failures_and_not_of_refusals(merchant: Merchant, make: Make) -> None:
    watcher = Watcher()
    client = make(breaker=watcher)
    client.order(*ORDER)
    with pytest.raises(Refused):
        client.query("NEVER00001")
    fault(merchant, Kind.DOWN, times=2)
    with pytest.raises(Unreachable):
        client.query("GIFT000001")
    assert watcher.told == "wwf"
    watcher.open = True
    with pytest.raises(Unreachable) as left:
        client.query("GIFT000001")
    assert (left.value.outcome_unknown, watcher.told) == (False, "wwf")


# --- What is not the platform's


def test_an_answer_that_is_signed_wrongly_counts_as_none(merchant: Merchant, pay: PayClient) -> None:
    merchant.simulator.pay.signer.bad_answers = 1
    with pytest.raises(BadAnswer) as bad:
        pay.order(*ORDER)
    assert (bad.value.why, bad.value.outcome_unknown) == ("not proved: probe", True)
    assert pay.query("GIFT000001").state == TradeState.NOTPAY


def test_a_refusal_that_is_signed_wrongly_is_no_refusal(merchant: Merchant, pay: PayClient) -> None:
    merchant.simulator.pay.signer.bad_answers = 1
    with pytest.raises(BadAnswer):
        pay.query("NEVER00001")


def test_each_key_of_the_migration_is_known_by_its_serial(merchant: Merchant, make: Make) -> None:
    older = merchant.simulator.options.pay.kind is Merchants.CERTIFICATE
    public = make(keys=keys_of(merchant, lambda serial: serial.startswith("PUB_KEY_ID_")))
    public.order(*ORDER)
    certificate = make(keys=keys_of(merchant, lambda serial: not serial.startswith("PUB_KEY_ID_")))
    if older:
        assert certificate.query(ORDER[0]).state == TradeState.NOTPAY
    else:
        with pytest.raises(BadAnswer, match="serial"):
            certificate.query(ORDER[0])


def test_a_certificate_is_good_for_its_time(merchant: Merchant, make: Make) -> None:
    serials = [serial for serial in merchant.own.platform if not serial.startswith("PUB_KEY_ID_")]
    files = {serial: str(merchant.own.folder / f"wechatpay_{serial}.pem") for serial in serials}
    keys = [read_platform_key(serial, path) for serial, path in files.items()]
    assert all(key.until and key.until > AT for key in keys)
    ended = [PlatformKey(key.serial, key.key, AT - timedelta(seconds=1)) for key in keys]
    wanted = "key_expired" if merchant.simulator.options.pay.kind is Merchants.CERTIFICATE else "serial"
    with pytest.raises(BadAnswer, match=wanted):
        make(keys=PlatformKeys(ended)).order(*ORDER)


@pytest.mark.parametrize("off", [-301, 301])
def test_with_a_wrong_clock_the_platform_does_not_know_us(make: Make, off: int) -> None:
    with pytest.raises(Refused) as refused:
        make(clock=lambda: AT + timedelta(seconds=off)).order(*ORDER)
    assert (refused.value.code, refused.value.status, refused.value.action) == ("SIGN_ERROR", 401, Action.FIX)


def test_the_platforms_clock_may_be_moved(merchant: Merchant, pay: PayClient) -> None:
    merchant.simulator.timeline.move(40 * 86_400)
    paid(merchant, pay)
    assert pay.query("GIFT000001").paid_at == AT + timedelta(days=40)


def test_many_threads_share_one_client(merchant: Merchant, pay: PayClient) -> None:
    numbers = [f"GIFT{number:06d}" for number in range(32)]
    with ThreadPoolExecutor(16) as pool:
        prepaid = list(pool.map(lambda number: pay.order(number, 100, *ORDER[2:]), numbers))
    assert len(set(prepaid)) == 32
    assert sorted(order.out_trade_no for order in merchant.simulator.pay.orders.all()) == numbers
    assert json.dumps(pay.pay_sign(prepaid[0]))
