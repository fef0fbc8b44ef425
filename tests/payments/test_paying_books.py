"""check-books holds payments against the ledger and gifts, and names what somebody wrote behind the rules' back."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session as Database

from models.books.money.payments import check_payments
from models.ledger import moves
from tests.harness.money import gift_postings
from tests.harness.stage import Stage
from tests.scenes.money.gifts import give, ordered, payment_of, promise, take


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    """Pledges 1 (paid), 2 (its order is prepaid), 3 (went back, too late) and 4; case 1."""
    stage = Stage(database_url)
    appeal = stage.open_appeal()
    give(stage, appeal, 10_000, "oOne")
    ordered(stage, promise(stage, appeal, 20_000, "oTwo"))
    back = ordered(stage, promise(stage, appeal, 30_000, "oThree"))
    full = ordered(stage, promise(stage, appeal, 470_000, "oFour"))
    take(stage, payment_of(stage, full))
    take(stage, payment_of(stage, back))
    take(stage, payment_of(stage, full, out_trade_no="NEVER", transaction_id="4299"))
    yield stage
    stage.close()


def codes(stage: Stage, **ahead: Any) -> list[str]:
    with stage.database.connect() as connection:
        now = stage.clock()
        return [f"{each.code} {each.subject} {each.subject_id}" for each in check_payments(connection, now)]


def test_books_of_payments_that_are_right_say_nothing(stage: Stage) -> None:
    assert codes(stage) == []


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ("UPDATE pay_orders SET state = 'paid', transaction_id = 'x', paid_at = created_at WHERE id = 2",
         ["payment_posting pay_order 2", "gift_and_payment pledge 2"]),
        ("UPDATE pledges SET state = 'committed' WHERE id = 2", ["gift_and_payment pledge 2"]),
        ("UPDATE pledges SET state = 'expired' WHERE id = 1", ["gift_and_payment pledge 1"]),
        ("UPDATE pay_orders SET expires_at = '2026-11-20 00:00:00' WHERE id = 2", ["order_not_settled pay_order 2"]),
        ("UPDATE pledges SET appeal_id = 2 WHERE id = 1", ["payment_posting pay_order 1"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_named(stage: Stage, wrong: str, found: list[str]) -> None:
    stage.open_appeal()
    with stage.database.begin() as connection:
        connection.execute(text(wrong))
    assert codes(stage) == found


def test_money_for_an_order_or_a_case_that_is_not_there_is_named(stage: Stage) -> None:
    with Database(stage.database) as db, db.begin():
        one = gift_postings.payment_received(db, 1, 100, "order:99", stage.clock()).id
        two = moves.payment_unassigned(db, 0, 100, "suspense_item:99", stage.clock()).id
        gift_postings.payment_received(db, 1, 100, "order:2", stage.clock())
    assert codes(stage) == [
        "payment_posting pay_order 2",
        f"no_such_payout ledger {one}",
        f"no_such_payout ledger {two}",
    ]
