"""A month's gift, from the word to the ledger: said in the chat, asked for by a push, tapped, and paid at WeChat's."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.core.calendar import CHINA
from models.giving.pledge import Pledge
from models.ledger import held
from tests.harness.money.merchant import PIN
from tests.harness.money.paid_stage import DONOR, Collecting, collecting, link_in
from tests.harness.platform.push_arrivals import go_out
from tests.scenes.money.recurring_gifts import remind_donors
from tests.scenes.money.refunds import wrong_books


@pytest.fixture
def stage(database_url: str, redis_url: str) -> Iterator[Collecting]:
    with collecting(database_url, redis_url) as stage:
        yield stage


def paid_at(stage: Collecting, link: str) -> str:
    browser = stage.visit(DONOR)
    assert browser.get(link, timeout=10).status_code == 200
    sheet = stage.order(browser, link)["sheet"]
    assert stage.simulator.pay.pay(DONOR, sheet["package"].removeprefix("prepay_id="), PIN).err_msg.endswith(":ok")
    return stage.hear(browser, link)


def test_each_month_is_paid_by_a_tap_and_the_sheet(stage: Collecting) -> None:
    appeal = stage.open_appeal()
    stage.register(DONOR, "donor")
    stage.say(DONOR, f"月捐 {appeal} 50")
    stage.say(DONOR, "1")
    stage.say(DONOR, "确认")
    assert paid_at(stage, link_in(stage.say(DONOR, "1"))) == "paid"
    assert wrong_books(stage) == []
    reminded = stage.clock().astimezone(CHINA).replace(hour=11) + timedelta(days=31)
    stage.clock.move(reminded - stage.clock())
    remind_donors(stage)
    go_out(stage, DONOR)
    link_in(stage.say(DONOR, "1"))
    with Database(stage.database) as db:
        gifts = db.scalars(select(Pledge).order_by(Pledge.id)).all()
        assert [(gift.state, gift.amount_fen) for gift in gifts] == [("committed", 5_000), ("awaiting_payment", 5_000)]
        assert held(db, [appeal]) == {appeal: 5_000}
