"""What check-books says of bills and discrepancies: nothing when all is right, and each wrong by its name."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session as Database

from models.books.money.bills import check_bills
from models.core.database import snapshot
from models.treasury.bill import BillDay, BillLine, number_of
from tests.harness.stage import Stage
from tests.scenes.money.bills import TODAY, TOMORROW_MORNING, Counter, counter

DAY = timedelta(days=1)


@pytest.fixture
def till(stage: Stage) -> Iterator[Counter]:
    with counter(stage) as till:
        yield till


def wrong(stage: Stage) -> list[tuple[str, int]]:
    with snapshot(stage.database.url) as connection:
        return [(one.code, one.subject_id) for one in check_bills(connection, stage.clock())]


def test_a_day_that_was_compared_is_right_and_one_without_a_bill_is_told_after_three_days(
    stage: Stage, till: Counter
) -> None:
    assert wrong(stage) == []
    order = till.give(stage.open_appeal(), 5_000)
    till.give_back(order)
    till.move(TOMORROW_MORNING + 2 * DAY)
    assert wrong(stage) == []
    till.move(DAY)
    assert wrong(stage) == [("bill_missing", number_of(TODAY))]
    assert till.reconciler.fetch_bill(number_of(TODAY))
    assert wrong(stage) == []
    till.move(DAY)  # the next day is wanted by now, and nobody has had it either
    assert wrong(stage) == [("bill_missing", number_of(TODAY + DAY))]
    till.move(89 * DAY)  # that bill is no more; those that can still be had are told
    assert number_of(TODAY + DAY) not in {number for _, number in wrong(stage)}


def test_lines_that_are_gone_or_changed_are_told(stage: Stage, till: Counter) -> None:
    appeal = stage.open_appeal()
    till.give(appeal, 5_000)
    till.give(appeal, 6_000)
    till.move(TOMORROW_MORNING)
    assert till.reconciler.fetch_bill(number_of(TODAY))
    assert wrong(stage) == []
    for change in (
        update(BillLine).where(BillLine.line == 2).values(fen=BillLine.fen + 1),
        delete(BillLine).where(BillLine.line == 2),
        update(BillDay).values(lines=0),
    ):
        with Database(stage.database) as db, db.begin():
            db.execute(change)
        assert wrong(stage) == [("bill_lines", number_of(TODAY))]


def test_a_discrepancy_that_nobody_sees_to_is_told_after_a_week(stage: Stage, till: Counter) -> None:
    till.give(stage.open_appeal(), 5_000)
    till.merchant.paid(800)
    stage.appoint("o-holder", "fund_holder", "431124000000")
    till.move(TOMORROW_MORNING)
    assert till.reconciler.fetch_bill(number_of(TODAY))
    till.move(7 * DAY)
    assert "discrepancy_waits" not in {code for code, _ in wrong(stage)}
    till.move(timedelta(minutes=1))
    assert [code for code, _ in wrong(stage)].count("discrepancy_waits") == 1
    assert "结案" in stage.say("o-holder", "结案 1 4 商城的订单")
    assert "discrepancy_waits" not in {code for code, _ in wrong(stage)}
