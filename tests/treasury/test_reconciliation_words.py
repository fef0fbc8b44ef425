"""对账 and 结案: how days stand, what differs, who sees it, and what a person closes with a reason and in words."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from models.core.audit_trail import AuditEvent
from models.ledger.tables import LedgerTransaction
from models.payments.order import PayOrder
from models.treasury.bill import BillDay, number_of
from models.treasury.discrepancy import Discrepancy
from tests.harness.stage import Stage
from tests.scenes.money.bills import TODAY, TOMORROW_MORNING, Counter, counter, discrepancies
from tests.scenes.money.charities import LONGHUI as LONGHUI_CHARITY
from tests.scenes.money.charities import MERCHANTS
from tests.scenes.money.refunds import wrong_books

COUNTY, LONGHUI = "431124000000", "430524000000"


@pytest.fixture
def till(stage: Stage) -> Iterator[Counter]:
    with counter(stage) as till:
        for name, role, region in (
            ("county", "county", COUNTY),
            ("holder", "fund_holder", COUNTY),
            ("elsewhere", "fund_holder", LONGHUI),
            ("village", "village", "431124101001"),
        ):
            stage.appoint(f"o-{name}", role, region, f"N-{name.upper()}")
        yield till


def a_day_with_discrepancies(stage: Stage, till: Counter) -> tuple[PayOrder, str]:
    """One payment that the channel does not have, of an appeal here; and one of an order that is nobody's."""
    order = till.give(stage.open_appeal(), 123_456)
    ours = till.merchant.simulator.pay.orders.by_number(order.out_trade_no)
    ours.paid_at -= timedelta(days=30).total_seconds()  # by the channel, on another day
    stranger = till.merchant.paid(800)
    till.move(TOMORROW_MORNING)
    assert till.reconciler.fetch_bill(number_of(TODAY))
    return order, stranger.out_trade_no


def test_before_anything_was_paid_there_is_nothing_to_reconcile(stage: Stage, till: Counter) -> None:
    assert "还没有要对的账单" in stage.say("o-holder", "对账")


def test_a_day_that_agrees_says_so(stage: Stage, till: Counter) -> None:
    till.give(stage.open_appeal(), 5_000)
    till.move(TOMORROW_MORNING)
    assert till.reconciler.fetch_bill(number_of(TODAY))
    reply = stage.say("o-county", "对账")
    assert "2026年11月25日：收 ¥50，退 ¥0，对上了" in reply
    assert "没有等着您查的" in reply
    assert "手续费 ¥0.30；账本上收 ¥50，退 ¥0" in stage.say("o-county", "对账 昨天")
    for wrong in ("对账 11月20日", "对账 瞎写"):
        assert "这一天的账单" in stage.say("o-county", wrong)
        assert stage.said == ["replies/refusals:no_such_bill_day"]


def test_a_discrepancy_is_seen_by_the_charity_of_its_account_and_by_no_other(stage: Stage, till: Counter) -> None:
    order, _ = a_day_with_discrepancies(stage, till)
    reply = stage.say("o-holder", "对账")
    assert "收 ¥8，退 ¥0，差 2 处" in reply
    assert "2026年11月25日收款¥8，账单上有，我们没有" in reply
    [ours] = [line for line in reply.splitlines() if "收款¥1,234.56，我们有，账单上没有" in line]
    shown = stage.say("o-holder", ours.split()[0])
    assert f"商户订单号 {order.out_trade_no}" in shown
    assert "微信支付：账单上没有" in shown
    assert "我们这里：¥1,234.56，已经到账" in shown
    [number_here] = [one.id for one in discrepancies(stage) if one.out_trade_no == order.out_trade_no]
    assert "还没有要对的账单" in stage.say("o-elsewhere", "对账")
    assert "没有差错" in stage.say("o-elsewhere", f"结案 {number_here} 2 退了")
    stage.say("o-village", "对账")
    assert stage.said == ["replies/routing/not_understood"]


def test_a_county_sees_the_accounts_of_the_charities_that_collect_there_each_by_its_name(
    stage: Stage, till: Counter
) -> None:
    """Longhui has a charity of its own, beside the one of the whole country."""
    stage.appoint("o-longhui", "county", LONGHUI, "N-LONGHUI")
    a_day_with_discrepancies(stage, till)
    account, now = MERCHANTS[LONGHUI_CHARITY][0], stage.clock()
    with Database(stage.database) as db, db.begin():
        db.add(BillDay(merchant=account, day=TODAY, state="compared", fetched_at=now, compared_at=now))
        what = {"kind": "missing_here", "subject": "payment", "number": "T9", "out_trade_no": "T9", "theirs_fen": 999}
        db.add(Discrepancy(merchant=account, day=TODAY, state="open", found_at=now, seen_at=now, **what))
    both = stage.say("o-longhui", "对账")
    assert "隆回山路慈善会（商户号 1900000777）" in both
    assert "青禾桥助乡基金会（商户号 1900000109）" in both
    assert "收款¥9.99，账单上有" in both
    own = stage.say("o-county", "对账")
    assert "隆回山路慈善会" not in own
    assert "商户号" not in own
    assert "收款¥9.99" not in own


def test_a_person_closes_one_with_a_reason_and_a_note_and_the_ledger_stays(stage: Stage, till: Counter) -> None:
    _, stranger = a_day_with_discrepancies(stage, till)
    [number] = [one.id for one in discrepancies(stage) if one.out_trade_no == stranger]
    with Database(stage.database) as db:
        before = len(db.scalars(select(LedgerTransaction.id)).all())
    stage.say("o-holder", "对账")
    stage.say("o-holder", "1")
    assert "4 不是帮扶通的交易" in stage.say("o-holder", "1")
    assert "没看懂您写的理由" in stage.say("o-holder", f"结案 {number} 随便")
    assert "还没写说明" in stage.say("o-holder", f"结案 {number} 4")
    assert stage.said == ["replies/refusals:note_missing"]
    assert "还有没查清的" in stage.say("o-holder", f"结案 {number} 4 商城的订单，用了同一个商户号")
    with Database(stage.database) as db:
        closed = db.get_one(Discrepancy, number)
        assert (closed.state, closed.reason, closed.note) == ("closed", "not_ours", "商城的订单,用了同一个商户号")
        events = select(AuditEvent).where(AuditEvent.subject == "discrepancy", AuditEvent.subject_id == number)
        opened, moved = db.scalars(events.order_by(AuditEvent.id)).all()
        assert (opened.action, opened.detail) == ("opened", "missing_here")
        assert (moved.from_state, moved.to_state, moved.detail) == ("open", "closed", "not_ours")
        assert moved.actor == f"staff:{closed.closed_by}"
        assert len(db.scalars(select(LedgerTransaction.id)).all()) == before
    assert wrong_books(stage) == []
    assert "没有差错" in stage.say("o-county", f"结案 {number} 4 再来一次")
    till.move(timedelta(days=1))
    assert till.reconciler.fetch_bill(number_of(TODAY))  # it is still so, and stays closed
    assert {one.id == number: one.state for one in discrepancies(stage)} == {True: "closed", False: "open"}


def test_many_discrepancies_are_paged(stage: Stage, till: Counter) -> None:
    till.give(stage.open_appeal(), 5_000)
    for fen in range(301, 313):
        till.merchant.paid(fen)
    till.move(TOMORROW_MORNING)
    assert till.reconciler.fetch_bill(number_of(TODAY))
    pages = [stage.say("o-county", "对账 昨天"), stage.say("o-county", "6"), stage.say("o-county", "6")]
    seen = [line for page in pages for line in page.splitlines() if "账单上有" in line]
    assert len(seen) == 12
    assert len({line.split("收款")[1] for line in seen}) == 12
    assert "6 " not in pages[2]


def test_what_is_closed_stays_as_it_was_closed_for_the_database_too(stage: Stage, till: Counter) -> None:
    a_day_with_discrepancies(stage, till)
    number = discrepancies(stage)[0].id
    stage.say("o-holder", f"结案 {number} 4 商城的订单")
    for change in ({"state": "open", "closed_at": None, "closed_by": None, "reason": None}, {"reason": "entered"}):
        with stage.database.begin() as connection, pytest.raises(IntegrityError):
            connection.execute(update(Discrepancy).where(Discrepancy.id == number).values(**change))
