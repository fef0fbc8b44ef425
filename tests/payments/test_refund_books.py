"""What the tables hold of refunds by themselves, and what check-books finds where somebody wrote behind their back."""

from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from models.books import violations
from models.payments.refund import Refund
from tests.harness.stage import Stage
from tests.scenes.money.gifts import give
from tests.scenes.money.refunds import fail, hear, news_of, want_back, wrong_books


@pytest.mark.parametrize(
    "change",
    [{"amount_fen": 9_999}, {"out_refund_no": "another"}, {"reason": "late"}, {"state": "owed", "ended_at": None}],
    ids=str,
)
def test_what_went_back_stays_as_it_was(stage: Stage, change: dict[str, Any]) -> None:
    refund = want_back(stage, give(stage, stage.open_appeal(), 10_000))
    hear(stage, news_of(stage, refund))
    with pytest.raises(IntegrityError), stage.database.begin() as connection:
        connection.execute(update(Refund).values(**change))


# --- What the books find


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE refunds SET state = 'asked'", "state_differs"),
        ("UPDATE refunds SET state = 'paid', ended_at = '2026-11-24 03:00:00'", "refund_posting"),
        ("UPDATE pledges SET state = 'committed'", "gift_and_refund"),
        ("UPDATE refunds SET asked_at = '2031-01-01 00:00:00'", "refund_too_late"),
        ("UPDATE refunds SET state = 'abnormal'", "task_missing"),
        ("DELETE FROM refunds", "no_such_refund"),
    ],
)
def test_the_books_name_what_is_wrong(stage: Stage, statement: str, code: str) -> None:
    want_back(stage, give(stage, stage.open_appeal(), 10_000))
    assert wrong_books(stage) == []
    with stage.database.begin() as connection:
        connection.execute(text(statement))
    with stage.database.connect() as connection:
        assert code in {one.code for one in violations(connection, stage.clock())}


def test_the_books_find_a_gift_that_stays_with_what_has_failed(stage: Stage) -> None:
    appeal = stage.open_appeal()
    give(stage, appeal, 10_000)
    fail(stage, appeal)
    assert wrong_books(stage) == []
    with stage.database.begin() as connection:
        connection.execute(text("DELETE FROM refund_runs"))
    assert any("gift_kept" in line for line in wrong_books(stage))


def test_the_books_find_more_going_back_than_came(stage: Stage) -> None:
    refund = want_back(stage, give(stage, stage.open_appeal(), 10_000))
    columns = ", ".join(column.name for column in Refund.__table__.columns if column.name != "id")
    values = columns.replace("out_refund_no", "'another'").replace("reason", "'twice'")
    with stage.database.begin() as connection:
        connection.execute(text(f"INSERT INTO refunds ({columns}) SELECT {values} FROM refunds"))  # noqa: S608
    assert any(f"order_refunded: pay_order {refund.pay_order_id}" in line for line in wrong_books(stage))
