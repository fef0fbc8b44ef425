"""Payments that come twice, too late or in another sum: whose money it is, and that it can go back."""

from sqlalchemy import select

from models.giving.pledge import Pledge
from models.payments import suspense_desk
from models.payments.collection import PaymentOutcome
from models.payments.expiry import expire_pledges
from models.payments.order import PayOrder
from models.payments.platform_order import close_order, due_orders
from models.payments.refund import Refund
from models.payments.suspense import SuspenseItem
from models.staff.member import Staff
from tests.harness.stage import Stage
from tests.scenes.money.disbursements import at, people
from tests.scenes.money.gifts import later, ordered, payment_of, promise, state_of, take
from tests.scenes.money.recurring_gifts import by_month, pay_month
from tests.scenes.money.refunds import code_of, refund_of, want_back


def test_of_a_gift_paid_twice_the_order_that_came_first_is_its_own_whenever_it_was_paid(stage: Stage) -> None:
    """The one that goes back by itself was paid earlier, and we heard of it later."""
    pledge = promise(stage, stage.open_appeal(), 10_000)
    first = ordered(stage, pledge)
    with at(stage) as db:
        close_order(db, PayOrder, first.id, stage.clock())
    second = ordered(stage, pledge)
    earlier = stage.clock()
    later(stage, minutes=5)
    assert take(stage, payment_of(stage, second)).outcome is PaymentOutcome.COMMITTED
    assert take(stage, payment_of(stage, first, paid_at=earlier)).outcome is PaymentOutcome.REFUND_OWED
    want_back(stage, pledge)
    with at(stage) as db:
        going = {refund.reason: refund.pay_order_id for refund in db.scalars(select(Refund))}
    assert going == {"twice": first.id, "asked": second.id}


def test_a_months_gift_with_another_sum_takes_the_place_of_the_one_before(stage: Stage) -> None:
    appeal = stage.open_appeal()
    by_month(stage, appeal, 5_000)
    before = ordered(stage, pay_month(stage, appeal).id)
    by_month(stage, appeal, 6_000, draft="another")
    now = ordered(stage, pay_month(stage, appeal).id)
    assert take(stage, payment_of(stage, before)).outcome is PaymentOutcome.REFUND_OWED
    assert take(stage, payment_of(stage, now)).outcome is PaymentOutcome.COMMITTED
    assert refund_of(stage, before.pledge_id).amount_fen == 5_000


def test_an_order_whose_payment_was_given_back_is_over_and_the_gift_can_be_paid_again(stage: Stage) -> None:
    staff = people(stage)
    pledge = promise(stage, stage.open_appeal(), 10_000)
    order = ordered(stage, pledge)
    assert take(stage, payment_of(stage, order, fen=9_999)).outcome is PaymentOutcome.SUSPENSE
    with at(stage) as db:
        case = db.scalars(select(SuspenseItem.id)).one()
        suspense_desk.refund_item(db, db.get_one(Staff, staff["holder"]), case, stage.clock())
    assert state_of(stage, PayOrder, order.id) == "closed"
    assert ordered(stage, pledge).id != order.id
    later(stage, days=4)
    with at(stage) as db:
        for due in due_orders(db, PayOrder, stage.clock(), 10):
            close_order(db, PayOrder, due, stage.clock())
        assert expire_pledges(db, stage.clock()) == 1
    assert state_of(stage, Pledge, pledge) == "expired"


def test_a_gifts_code_is_read_as_it_stands_on_paper(stage: Stage) -> None:
    """In two halves and in small letters, wherever one is asked for."""
    pledge = promise(stage, stage.open_appeal(), 10_000)
    take(stage, payment_of(stage, ordered(stage, pledge)))
    code = code_of(stage, pledge)
    written = f"{code[:5]}-{code[5:]}".lower()
    assert code in stage.say("oDonor", f"退款 {written}")
    stage.say("oDonor", "取消")
    assert "没有" not in stage.say("oDonor", f"留言 {written}")
