"""32 donors at once at an appeal's last yuan, and one gift's news from everywhere at once: the sums hold."""

from collections import Counter
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.giving.pledge import Pledge, raised
from models.ledger import totals
from models.ledger.accounts import LedgerAccount
from models.payments.collection import PaymentOutcome, begin_order
from models.payments.expiry import expire_pledges
from models.payments.order import PayOrder
from models.payments.platform_order import close_order
from models.payments.refund import Refund
from tests.harness.money.merchant import MCHID
from tests.harness.racing import DONORS, assert_books_close, at_once, outcome
from tests.harness.racing import stage as stage
from tests.harness.stage import Stage
from tests.scenes.money.gifts import give, ordered, payment_of, promise


@pytest.mark.slow  # it is a race, and another stays
def test_of_32_donors_at_the_last_yuan_as_many_are_taken_as_it_needs_and_the_others_get_all_back(stage: Stage) -> None:
    """The cap is 300,000; what is missing is ¥10, and each pays ¥3: three are taken."""
    appeal = stage.open_appeal(target_fen=300_000)
    give(stage, appeal, 299_000, "oFirst")
    orders = [ordered(stage, promise(stage, appeal, 300, f"oDonor{n}")) for n in range(DONORS)]
    payments = [payment_of(stage, order) for order in orders]
    # Each is told of twice, at the same time.
    results = at_once([partial(outcome, stage, payment) for payment in payments * 2])
    assert Counter(map(str, results)) == {"committed": 3, "refund_owed": DONORS - 3, "repeated": DONORS}
    with Database(stage.database) as db:
        assert totals(db, appeal).public == 299_900
        assert raised(db, [appeal])[appeal].facts == {"raised_fen": 299_900, "paid_fen": 299_900, "gifts": 4}
        states = Counter(db.scalars(select(Pledge.state)))
        assert states == {"committed": 4, "refund_pending": DONORS - 3}
        refunds = db.scalars(select(Refund)).all()
        assert Counter((refund.amount_fen, refund.reason) for refund in refunds) == {(300, "over"): DONORS - 3}
        assert len({refund.pay_order_id for refund in refunds}) == DONORS - 3
        owed = select(LedgerAccount.balance_fen).where(LedgerAccount.kind == "refunds")
        assert db.scalar(owed) == 300 * (DONORS - 3)
        assert db.get_one(Appeal, appeal).state == "funding"  # ¥1 is still missing
    give(stage, appeal, 100, "oLast")
    with Database(stage.database) as db:
        assert db.get_one(Appeal, appeal).state == "funded"
    assert_books_close(stage)


def test_the_last_yuan_is_taken_once(stage: Stage) -> None:
    appeal = stage.open_appeal(target_fen=300_000)
    give(stage, appeal, 299_900, "oFirst")
    orders = [ordered(stage, promise(stage, appeal, 100, f"oDonor{n}")) for n in range(DONORS)]
    results = at_once([partial(outcome, stage, payment_of(stage, order)) for order in orders])
    assert Counter(map(str, results)) == {"committed": 1, "refund_owed": DONORS - 1}
    with Database(stage.database) as db:
        assert totals(db, appeal).public == 300_000
        assert db.get_one(Appeal, appeal).state == "funded"
    assert_books_close(stage)


def test_sixteen_taps_at_once_are_one_order(stage: Stage) -> None:
    pledge = promise(stage, stage.open_appeal(), 10_000)

    def tap() -> str:
        with Database(stage.database) as db, db.begin():
            return begin_order(db, MCHID, pledge, stage.clock()).out_trade_no

    results = at_once([tap] * 16)
    assert len(set(results)) == 1
    with Database(stage.database) as db:
        assert db.scalars(select(PayOrder.out_trade_no)).all() == [results[0]]


def test_a_payment_a_closing_and_an_expiry_at_once_lose_no_money(stage: Stage) -> None:
    appeal = stage.open_appeal()
    for turn in range(8):
        pledge = promise(stage, appeal, 10_000, f"oDonor{turn}")
        order = ordered(stage, pledge)
        later = stage.clock().replace(year=2026, month=12)

        def close(order: PayOrder = order) -> None:
            with Database(stage.database) as db, db.begin():
                close_order(db, PayOrder, order.id, stage.clock())

        def expire(later: object = later) -> None:
            with Database(stage.database) as db, db.begin():
                expire_pledges(db, later)  # type: ignore[arg-type]

        results = at_once([close, expire, partial(outcome, stage, payment_of(stage, order)), close, expire])
        assert results[2] in (PaymentOutcome.COMMITTED, PaymentOutcome.REFUND_OWED)
        assert [one for one in results if isinstance(one, Exception)] == []
        with Database(stage.database) as db:
            assert db.get_one(PayOrder, order.id).state == "paid"
            assert db.get_one(Pledge, pledge).state in ("committed", "refund_pending")
    assert_books_close(stage)
