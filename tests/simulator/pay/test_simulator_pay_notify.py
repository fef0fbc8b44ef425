"""Pay's callbacks to a merchant's server, over real loopback sockets: sealed, signed, repeated, and gone wrong."""

import json
import time
from itertools import accumulate
from typing import Any

import pytest
import requests

from bot.simulator.app import create_simulator
from bot.simulator.faults import Fault, Kind
from bot.simulator.pay.notify import PLACE, RETRIES, State
from bot.simulator.pay.options import Kind as MerchantKind
from bot.simulator.pay.refunds import Outcome
from bot.simulator.serving import serving
from bot.simulator.windows import Window
from tests.harness.money.merchant import DAY, MCHID, NOON, Merchant, Shop, outcomes, pay, trading
from tests.harness.money.merchant import called_back as called_back
from tests.harness.money.merchant import shop as shop

ALL_TRIES = 1 + len(RETRIES)


def test_a_payment_is_told_at_once_and_sealed(merchant: Merchant, shop: Shop) -> None:
    (number,) = pay(merchant, shop)
    assert shop.heard == []
    merchant.simulator.timeline.move(0)
    (heard,) = shop.heard
    assert heard["opened"] == merchant.query(number).json
    assert (
        heard.items()
        >= {
            "create_time": "2026-11-25T12:00:00+08:00",
            "event_type": "TRANSACTION.SUCCESS",
            "resource_type": "encrypt-resource",
            "summary": "支付成功",
        }.items()
    )
    assert len(heard["id"]) == 36
    resource = heard["resource"]
    assert (resource["algorithm"], len(resource["nonce"]), resource["original_type"]) == (
        "AEAD_AES_256_GCM",
        12,
        "transaction",
    )
    (notice,) = merchant.simulator.pay.notices.all()
    assert (notice.state, notice.event, notice.number) == (State.TAKEN, "TRANSACTION.SUCCESS", number)
    assert json.loads(notice.plain) == heard["opened"]
    assert "transaction_id" not in notice.body
    assert [(attempt.outcome, attempt.http_status, attempt.at) for attempt in notice.attempts] == [("taken", 204, NOON)]


def test_a_payment_opens_the_window_for_messages(merchant: Merchant, shop: Shop) -> None:
    windows = merchant.simulator.windows
    assert windows.shown("oAunt") == []
    pay(merchant, shop)
    assert [(open["window"], open["left"]) for open in windows.shown("oAunt")] == [(Window.PAID, None)]


def test_200_is_as_good_as_204(merchant: Merchant, shop: Shop) -> None:
    shop.status = 200
    pay(merchant, shop)
    merchant.simulator.timeline.move(2 * DAY)
    assert len(shop.heard) == 1


@pytest.mark.parametrize("status", [500, 404, 302, 201])
def test_what_is_not_taken_comes_again_for_a_day(merchant: Merchant, shop: Shop, status: int) -> None:
    shop.status = status
    pay(merchant, shop)
    merchant.simulator.timeline.move(sum(RETRIES) - 1)
    (notice,) = merchant.simulator.pay.notices.all()
    assert (len(notice.attempts), notice.state) == (ALL_TRIES - 1, State.WAITING)
    merchant.simulator.timeline.move(2 * DAY)
    assert sum(RETRIES) == 24 * 3600 + 4 * 60
    assert [attempt.at - NOON for attempt in notice.attempts] == [0, *accumulate(RETRIES)]
    assert (set(outcomes(notice)), notice.state) == ({"refused"}, State.GIVEN_UP)
    assert len({heard["id"] for heard in shop.heard}) == 1
    assert merchant.query(notice.number).json["trade_state"] == "SUCCESS"  # type: ignore[index]


def test_the_tries_end_when_one_is_taken(merchant: Merchant, shop: Shop) -> None:
    shop.status = 500
    pay(merchant, shop)
    merchant.simulator.timeline.move(60)
    shop.status = 204
    merchant.simulator.timeline.move(2 * DAY)
    (notice,) = merchant.simulator.pay.notices.all()
    assert outcomes(notice) == ["refused"] * 4 + ["taken"]
    assert notice.attempts[-1].at - NOON == 60 + 180


def test_nobody_there_is_a_try_that_failed(merchant: Merchant) -> None:
    merchant.paid(notify_url="http://127.0.0.1:9/pay/notify")
    merchant.simulator.timeline.move(15)
    (notice,) = merchant.simulator.pay.notices.all()
    assert outcomes(notice) == ["unreachable", "unreachable"]


# --- probes


def test_a_probe_must_be_refused(merchant: Merchant, shop: Shop) -> None:
    pay(merchant, shop)
    merchant.simulator.timeline.move(0)
    notices = merchant.simulator.pay.notices
    (notice,) = notices.all()
    refused = notices.probe(notice)
    assert (refused.outcome, refused.http_status, refused.probe_accepted) == ("refused", 401, False)
    assert (len(shop.heard), notices.probes_accepted, notice.state) == (1, [], State.TAKEN)
    shop.gullible = True
    assert notices.probe(notice).probe_accepted
    assert notices.probes_accepted == [notice]


def test_a_probe_that_was_taken_does_not_stand_for_the_callback(merchant: Merchant, shop: Shop) -> None:
    shop.gullible = True
    merchant.simulator.faults.add(Fault(Kind.FORGE, times=1, where=PLACE))
    pay(merchant, shop)
    merchant.simulator.timeline.move(0)
    (notice,) = merchant.simulator.pay.notices.all()
    assert notice.state is State.WAITING
    merchant.simulator.timeline.move(15)
    assert (notice.state, [attempt.probe for attempt in notice.attempts]) == (State.TAKEN, [True, False])
    assert merchant.simulator.pay.notices.probes_accepted == [notice]


# --- refunds


@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_end_of_a_refund_is_told(merchant: Merchant, shop: Shop, outcome: Outcome) -> None:
    order = merchant.paid(notify_url=shop.url)
    merchant.simulator.timeline.move(0)
    merchant.simulator.pay.refunds.end_with(outcome)
    accepted: Any = merchant.refund(order, "R1", 4000, notify_url=shop.url).json
    merchant.simulator.timeline.move(59)
    assert len(shop.heard) == 1
    merchant.simulator.timeline.move(1)
    heard = shop.heard[1]
    assert heard["event_type"] == f"REFUND.{outcome}"
    done = {"success_time": "2026-11-25T12:01:00+08:00"} if outcome is Outcome.SUCCESS else {}
    assert heard["opened"] == done | {
        "mchid": MCHID,
        "out_trade_no": order.out_trade_no,
        "transaction_id": order.transaction_id,
        "out_refund_no": "R1",
        "refund_id": accepted["refund_id"],
        "refund_status": outcome,
        "amount": {"total": 10_000, "refund": 4000, "payer_total": 10_000, "payer_refund": 4000},
        "user_received_account": "支付用户零钱",
    }


def test_a_refund_without_an_address_is_not_told(merchant: Merchant, shop: Shop) -> None:
    order = merchant.paid(notify_url=shop.url)
    merchant.refund(order, "R1", 4000)
    merchant.simulator.timeline.move(DAY)
    assert [heard["event_type"] for heard in shop.heard] == ["TRANSACTION.SUCCESS"]


# --- which key


def test_callbacks_move_from_the_certificate_to_the_public_key(shop: Shop) -> None:
    with trading(MerchantKind.CERTIFICATE, callbacks=True) as merchant:
        signer = merchant.simulator.pay.signer

        def share(times: int = 40) -> float:
            shop.serials.clear()
            pay(merchant, shop, times)
            merchant.simulator.timeline.move(1)
            return shop.serials.count(merchant.own.public_id) / times

        assert share() == 0
        signer.share = 0.5
        assert 0.2 < share() < 0.8
        signer.share = 1.0
        assert share() == 1
        signer.migrate()
        assert signer.share == pytest.approx(0.001)
        merchant.simulator.timeline.move(3.5 * DAY)
        assert signer.share == pytest.approx(0.0316, rel=0.01)
        merchant.simulator.timeline.move(3.5 * DAY)
        assert share() == 1


def test_the_share_is_drawn_from_the_seed() -> None:
    def drawn() -> list[str]:
        with trading(MerchantKind.CERTIFICATE) as merchant:
            merchant.simulator.pay.signer.share = 0.5
            return [merchant.simulator.pay.signer.callback_serial() for _ in range(50)]

    assert drawn() == drawn()
    assert len(set(drawn())) == 2


def test_a_newer_merchant_has_nothing_to_move_from(merchant: Merchant) -> None:
    signer = merchant.simulator.pay.signer
    with pytest.raises(ValueError, match=r"0\.5"):
        signer.share = 0.5
    with pytest.raises(ValueError, match="certificates"):
        signer.migrate()
    assert {signer.callback_serial() for _ in range(20)} == {merchant.own.public_id}


# --- the log, and a merchant who asks back


def test_the_log_gives_what_is_newer(merchant: Merchant, shop: Shop) -> None:
    notices = merchant.simulator.pay.notices
    assert (notices.version, notices.shown()) == (0, [])
    pay(merchant, shop, 2)
    seen = notices.version
    assert [shown["attempts"] for shown in notices.shown()] == [[], []]
    merchant.simulator.timeline.move(0)
    newer = notices.shown(seen)
    assert [shown["attempts"][0]["reply"] for shown in newer] == ["", ""]
    assert json.loads(json.dumps(newer))[0]["attempts"][0]["outcome"] == "taken"
    assert notices.shown(notices.version) == []


def test_a_merchant_may_ask_the_platform_while_it_is_told() -> None:
    """What the notes recommend: on a callback, query the order before believing it."""
    with trading(callbacks=True) as merchant:
        app = create_simulator(merchant.simulator.options, merchant.simulator)
        asked: list[Any] = []

        def ask() -> tuple[str, int]:
            asked.append(merchant.query(merchant.simulator.pay.orders.all()[0].out_trade_no).json)
            return "", 204

        app.add_url_rule("/merchant", view_func=ask, methods=["POST"])
        with serving(app) as url:
            order = merchant.paid(notify_url=f"{url}/merchant")
            merchant.simulator.timeline.start()
            while merchant.simulator.pay.notices.all()[0].state is not State.TAKEN:
                time.sleep(0.01)
            assert asked[0]["transaction_id"] == order.transaction_id
            assert requests.post(f"{url}/v3/pay/transactions/jsapi", timeout=5).status_code == 401
