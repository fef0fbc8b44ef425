"""What leaves a payment: back to the buyer, or on to the seller, each fen once, whatever the platform says and when."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from models.core.calendar import start_of_day
from models.market.after_sales.after_sale import REMINDED_BEFORE
from models.market.after_sales.deadline import SPARE
from models.market.money.sending import (
    SentOutcome,
    Word,
    begin_submission,
    lease_due,
    mark_refused,
    retry,
    settle_by_hand,
    stuck,
)
from models.market.orders.order import TO_COMPLAIN, Order
from models.market.orders.shortfall import reduce_harvest
from models.market.rules import NO_CROPS
from tests.harness.money.checking_books import unguarded
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.money.stall import COOP, OTHER, TOTAL, Stall


@pytest.fixture
def stall(database_url: str) -> Iterator[Stall]:
    stage = Stage(database_url)
    stall = Stall(stage)
    stall.take_payment()
    yield stall
    stage.close()


def completed(stall: Stall) -> int:
    order = stall.paid()
    stall.act("hand_over", order)
    stall.stage.clock.move(timedelta(days=8))
    stall.end_overdue()
    assert stall.state(order) == "completed"
    return order


def test_a_cancelled_orders_money_goes_back_to_its_buyer(stall: Stall) -> None:
    order = stall.paid()
    stall.act("decline", order)
    (back,) = stall.transfers(order)
    assert (back.kind, back.reason, back.amount_fen, back.state) == ("refund", "cancelled", TOTAL, "owed")
    assert stall.send(back, "going") is SentOutcome.KNOWN
    assert stall.account(order) == (TOTAL, TOTAL, 0, 0)
    word = Word(COOP, back.number, "done", TOTAL)
    assert [stall.hear(word) for _ in range(2)] == [SentOutcome.DONE, SentOutcome.KNOWN]
    assert stall.account(order) == (TOTAL, TOTAL, 0, TOTAL)
    assert [kind for kind, _ in stall.told("o-buyer")] == ["order_paid", "order_ended", "order_refunded"]
    assert stall.books() == set()


def test_a_seller_who_is_silent_for_two_days_loses_the_order_and_the_buyer_no_fen(stall: Stall) -> None:
    order = stall.paid()
    stall.stage.clock.move(timedelta(hours=48))
    stall.end_overdue()
    assert (stall.state(order), [each.reason for each in stall.transfers(order)]) == ("cancelled", ["cancelled"])


def test_a_completed_orders_money_is_its_sellers_when_the_seventh_day_is_over(stall: Stall) -> None:
    order = stall.paid()
    stall.act("hand_over", order)
    midnight = start_of_day(stall.stage.clock()) + timedelta(days=8)
    stall.stage.clock.move(midnight - stall.stage.clock() - timedelta(seconds=1))
    assert stall.end_overdue() == 0
    stall.stage.clock.move(timedelta(seconds=1))
    assert stall.end_overdue() == 1
    (release,) = stall.transfers(order)
    assert (release.kind, release.amount_fen) == ("release", TOTAL)
    assert stall.send(release) is SentOutcome.DONE
    assert stall.account(order) == (TOTAL, TOTAL, TOTAL, 0)
    assert stall.told("o-seller")[-1][0] == "order_released"
    assert stall.books() == set()


def test_a_release_waits_for_a_refund_of_the_same_payment(stall: Stall) -> None:
    order = completed(stall)
    (release,) = stall.transfers(order)
    with unguarded(stall.stage) as connection:
        values = "payment_id, order_id, 'refund', 'late', 'R1', 1, 1, 'asked', created_at, asked_at, 0, false"
        columns = "payment_id, order_id, kind, reason, base_number, round, amount_fen, state, created_at, asked_at"
        connection.exec_driver_sql(
            f"INSERT INTO order_transfers (id, {columns}, tries, by_hand) SELECT 99, {values} FROM order_transfers"  # noqa: S608 - constants
        )
    with stall.session() as db:
        assert begin_submission(db, release.id, stall.stage.clock()) is None
        assert lease_due(db, stall.stage.clock(), 9) == []
    stall.stage.clock.move(timedelta(minutes=5))
    with stall.session() as db:
        assert lease_due(db, stall.stage.clock(), 9) == [release.id]


def delivered(stall: Stall) -> int:
    order = stall.paid()
    stall.act("hand_over", order)
    return order


def test_a_part_that_the_seller_agrees_to_goes_back_and_the_rest_is_the_sellers(stall: Stall) -> None:
    order = delivered(stall)
    stall.dispute(order)
    stall.say(order, "agree")
    assert stall.state(order) == "refunded"
    back, release = stall.transfers(order)
    assert (back.kind, back.reason, back.amount_fen) == ("refund", "after_sale", 1_001)
    assert (release.kind, release.amount_fen) == ("release", TOTAL - 1_001)
    with stall.session() as db:
        assert begin_submission(db, release.id, stall.stage.clock()) is None  # the refund goes first
    stall.send(back)
    stall.send(release)
    assert stall.account(order) == (TOTAL, TOTAL, TOTAL - 1_001, 1_001)
    assert stall.told("o-buyer")[-1][0] == "order_refunded"
    assert stall.books() == set()


def test_what_less_was_harvested_than_was_paid_for_goes_back(stall: Stall) -> None:
    paid, asked = stall.paid(), stall.order()
    payment = stall.asked(asked)
    with stall.session() as db:
        reduce_harvest(db, stall.seller, stall.listing, 10_000, stall.stage.clock())
    (back,) = stall.transfers(paid)
    assert (back.reason, back.amount_fen, stall.state(paid)) == ("less", TOTAL // 2, "paid")
    # It was asked for before, and is paid whole.
    stall.report(payment)
    assert [(each.reason, each.amount_fen) for each in stall.transfers(asked)] == [("less", TOTAL // 2)]
    assert stall.books() == set()


def test_what_is_sent_back_unwanted_is_paid_back_once_the_seller_has_it(stall: Stall) -> None:
    order = delivered(stall)
    with stall.session() as db:
        db.get_one(Order, order).fresh = False
    stall.dispute(order, "unwanted", "all", TOTAL)
    stall.say(order, "agree")
    assert (stall.state(order), stall.transfers(order)) == ("after_sale", [])
    stall.say(order, "given_back")
    assert (stall.state(order), [each.amount_fen for each in stall.transfers(order)]) == ("refunded", [TOTAL])


def test_what_is_sent_again_leaves_the_money_with_the_seller(stall: Stall) -> None:
    order = delivered(stall)
    stall.dispute(order, wish="again", fen=None)
    stall.say(order, "agree")
    stall.say(order, "given_back")
    assert stall.transfers(order) == []
    stall.say(order, "settle", "buyer")
    assert [(each.kind, each.amount_fen) for each in stall.transfers(order)] == [("release", TOTAL)]


@pytest.mark.parametrize("wrong", ["spoiled", "not_got"])
def test_what_is_not_sent_again_in_time_becomes_money(stall: Stall, wrong: str) -> None:
    """Both hear of it, and the seller is reminded before."""
    order, again_within = delivered(stall), NO_CROPS.again_within
    stall.dispute(order, wrong, wish="again", fen=None)
    stall.say(order, "agree")
    stall.stage.clock.move(again_within - REMINDED_BEFORE["agreed"])
    stall.end_after_sales()
    kind, facts = stall.told("o-seller")[-1]
    assert (kind, facts["state"], facts["soon"]) == ("after_sale_moved", "agreed", True)
    stall.end_after_sales()
    assert stall.told("o-seller")[-1] == (kind, facts)
    stall.stage.clock.move(REMINDED_BEFORE["agreed"] - timedelta(seconds=1))
    stall.end_after_sales()
    assert (stall.state(order), stall.transfers(order)) == ("after_sale", [])
    stall.stage.clock.move(timedelta(seconds=1))
    stall.end_after_sales()
    (back,) = stall.transfers(order)
    assert (back.kind, back.reason, back.amount_fen, stall.state(order)) == ("refund", "after_sale", TOTAL, "refunded")
    assert [stall.told(who)[-1][1]["state"] for who in ("o-buyer", "o-seller")] == ["unkept", "unkept"]
    assert "全部原路退给您" in (stall.stage.say("o-buyer", f"订单 {stall.told('o-buyer')[-1][1]['code']}") or "")
    stall.send(back)
    assert stall.account(order) == (TOTAL, TOTAL, 0, TOTAL)
    assert stall.books() == set()


def before_the_end(stall: Stall, days: float) -> int:
    """An order that is delivered so many days before its money is frozen no more."""
    stall.database = stall.database.execution_options(frozen_for=timedelta(days=30))
    order = delivered(stall)
    stall.stage.clock.move(timedelta(days=6))
    with stall.session() as db:
        found = db.get_one(Order, order)
        found.paid_at, found.fresh = stall.stage.clock() + timedelta(days=days - 30), False
    return order


@pytest.mark.parametrize(("wrong", "wish", "fen"), [("spoiled", "part", 1_001), ("not_got", "again", None)])
def test_what_nobody_decides_goes_back_before_wechat_pay_lets_it_go(
    stall: Stall, wrong: str, wish: str, fen: int | None
) -> None:
    """The last day of a parcel that took all of its time: six are left of the thirty, and two are spare."""
    stall.stage.appoint("o-town", "township", DAOXIAN_MEIHUA)
    stall.stage.appoint("o-county", "county", DAOXIAN_MEIHUA[:6] + "0" * 6)
    order = before_the_end(stall, TO_COMPLAIN.days)
    paid_until = stall.stage.clock() + TO_COMPLAIN
    stall.dispute(order, wrong, wish, fen)
    # Each side says something as late as it can: what never came is the township's also without it.
    for hours in range(0, 4 * 24, 6):
        assert stall.transfers(order) == [], hours
        if hours == 42:
            stall.say(order, "refuse")
        if hours == 60 and wrong == "spoiled":
            stall.say(order, "object", "buyer")
        stall.stage.clock.move(timedelta(hours=6))
        stall.end_after_sales()
    (back, *_) = stall.transfers(order)
    assert (back.amount_fen, stall.state(order)) == (fen or TOTAL, "refunded")
    assert back.created_at <= paid_until - SPARE
    for who in ("o-buyer", "o-seller"):
        said = [facts for kind, facts in stall.told(who) if kind == "after_sale_moved"]
        assert said[-1]["state"] == "undecided"
    # The officer who had it for longer than a day is reminded.
    reminded = "after_sale_ends" in {kind for kind, _ in stall.told("o-town")}
    assert reminded is (wrong == "spoiled")
    assert stall.books() == set()


def test_what_is_asked_when_no_time_is_left_runs_by_its_own_clock(stall: Stall) -> None:
    order = before_the_end(stall, 3)
    stall.dispute(order)
    stall.say(order, "refuse")
    stall.say(order, "object", "buyer")
    stall.stage.clock.move(timedelta(days=9))
    stall.end_after_sales()
    assert (stall.state(order), stall.transfers(order)) == ("after_sale", [])


def test_what_the_buyer_takes_back_leaves_the_money_with_the_seller(stall: Stall) -> None:
    order = delivered(stall)
    stall.dispute(order)
    stall.say(order, "withdraw", "buyer")
    assert [(each.kind, each.amount_fen) for each in stall.transfers(order)] == [("release", TOTAL)]


def test_what_the_platform_closed_is_asked_for_again_under_another_number(stall: Stall) -> None:
    order = stall.paid()
    stall.act("decline", order)
    (back,) = stall.transfers(order)
    assert stall.send(back, "stuck", trouble="closed") is SentOutcome.STUCK
    with stall.session() as db:
        assert [each.id for each in stuck(db)] == [back.id]
        assert begin_submission(db, back.id, stall.stage.clock()) is None
        assert retry(db, back.id, stall.stage.clock())
        assert not retry(db, back.id, stall.stage.clock())
    stall.stage.clock.move(timedelta(minutes=1))
    (again,) = stall.transfers(order)
    assert again.number == f"{back.base_number}@2"
    assert stall.send(again) is SentOutcome.DONE
    # A late word that the closed round was paid after all would be money sent twice: it changes nothing more.
    assert stall.hear(Word(COOP, back.base_number, "done", TOTAL)) is SentOutcome.KNOWN
    assert stall.account(order) == (TOTAL, TOTAL, 0, TOTAL)


def test_what_was_done_on_the_platforms_page_is_settled_by_hand(stall: Stall) -> None:
    order = stall.paid()
    stall.act("decline", order)
    (back,) = stall.transfers(order)
    with stall.session() as db:
        assert not settle_by_hand(db, back.id, stall.stage.clock())
        submission = begin_submission(db, back.id, stall.stage.clock())
        assert submission is not None
        mark_refused(db, submission, "NOT_ENOUGH", stall.stage.clock())
    with stall.session() as db:
        assert [each.trouble for each in stuck(db)] == ["NOT_ENOUGH"]
        assert settle_by_hand(db, back.id, stall.stage.clock())
        assert not settle_by_hand(db, 99, stall.stage.clock())
    assert stall.account(order) == (TOTAL, TOTAL, 0, TOTAL)
    assert stall.books() == set()


def test_a_word_that_does_not_fit_ends_nothing(stall: Stall) -> None:
    order = stall.paid()
    stall.act("decline", order)
    (back,) = stall.transfers(order)
    assert stall.hear(Word(COOP, "unknown", "done", TOTAL)) is SentOutcome.UNKNOWN
    assert stall.hear(Word(OTHER, back.number, "done", TOTAL)) is SentOutcome.UNKNOWN
    assert stall.send(back, fen=TOTAL - 1) is SentOutcome.DIFFERS
    with stall.session() as db:
        assert [each.trouble for each in stuck(db)] == ["differs"]
    assert stall.account(order) == (TOTAL, TOTAL, 0, 0)


def test_a_lost_answer_is_asked_for_under_the_same_number(stall: Stall) -> None:
    order = stall.paid()
    stall.act("decline", order)
    (back,) = stall.transfers(order)
    numbers = []
    for _ in range(3):
        with stall.session() as db:
            found = begin_submission(db, back.id, stall.stage.clock())
        numbers.append((found.number, found.before) if found else None)
        stall.stage.clock.move(timedelta(minutes=1))
    assert numbers == [(back.number, False), (back.number, True), (back.number, True)]


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE order_accounts SET paid_fen = paid_fen + 1", "order_account"),
        ("DELETE FROM order_accounts", "order_account"),
        ("UPDATE order_entries SET cause = 'payment:99' WHERE kind = 'paid'", "order_entry_astray"),
        ("UPDATE order_payments SET paid_fen = paid_fen - 1", "order_payment_posting"),
        ("UPDATE order_transfers SET state = 'done', ended_at = created_at", "order_transfer_posting"),
        ("DELETE FROM order_transfers", "order_money_left"),
        ("UPDATE order_transfers SET amount_fen = amount_fen + 1", "order_money_left"),
        ("UPDATE orders SET total_fen = total_fen + 1", "order_paid"),
        (
            "UPDATE order_payments SET state = 'closed', transaction_id = NULL, paid_fen = NULL, paid_at = NULL",
            "order_payment_posting",
        ),
    ],
)
def test_the_books_name_what_was_spoilt(stall: Stall, statement: str, code: str) -> None:
    order = stall.paid()
    stall.act("decline", order)
    assert stall.books() == set()
    with unguarded(stall.stage) as connection:
        connection.exec_driver_sql(statement)
    assert code in stall.books()


def test_the_books_name_a_payment_that_nobody_decided(stall: Stall) -> None:
    stall.asked(stall.order())
    stall.stage.clock.move(timedelta(days=2))
    assert stall.books() == {"order_payment_not_settled"}
