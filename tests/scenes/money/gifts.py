"""Gifts of money on the stage: pledged, ordered and paid by the models alone, as the web and the platform would."""

from datetime import timedelta
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import get_appeal
from models.giving.pledge import Pledge, make_pledge
from models.payments.collection import (
    AppliedPayment,
    apply_payment,
    await_payment,
    begin_order,
    demand_merchant,
)
from models.payments.order import PayOrder
from models.payments.platform_order import Payment, keep_prepaid
from models.people.conversation import Conversation
from models.people.user import User
from tests.harness.stage import Stage

_serial = count(1)


def donor_of(stage: Stage, openid: str) -> int:
    """The user's number; registered when there is none."""
    with Database(stage.database) as db:
        found = db.scalar(select(Conversation.user_id).where(Conversation.openid == openid))
    return found or stage.register(openid, "donor")


def promise(stage: Stage, appeal: int, fen: int, openid: str = "oDonor", *, anonymous: bool = False) -> int:
    """A pledge that waits to be paid; its number."""
    donor = donor_of(stage, openid)
    with Database(stage.database) as db, db.begin():
        held = get_appeal(db, appeal, lock=True)
        user = db.get_one(User, donor)
        pledge = make_pledge(db, f"gift-{next(_serial)}", held, user, fen, anonymous, stage.clock())
        await_payment(db, pledge, held, stage.clock())
        return pledge.id


def ordered(stage: Stage, pledge: int, merchant: str | None = None) -> PayOrder:
    """Its order, with a prepay_id, under its charity's merchant number or the one that is given."""
    with Database(stage.database, expire_on_commit=False) as db, db.begin():
        appeal = get_appeal(db, db.get_one(Pledge, pledge).appeal_id)
        order = begin_order(db, merchant or demand_merchant(db, appeal), pledge, stage.clock())
        return keep_prepaid(db, PayOrder, order.id, f"wx{order.id}", stage.clock())


def payment_of(stage: Stage, order: PayOrder, **changes: object) -> Payment:
    fields = {
        "merchant": order.merchant,
        "out_trade_no": order.out_trade_no,
        "transaction_id": f"42000{order.id:09d}",
        "fen": order.amount_fen,
        "paid_at": stage.clock(),
    }
    return Payment(**fields | changes)  # type: ignore[arg-type]


def take(stage: Stage, payment: Payment) -> AppliedPayment:
    with Database(stage.database) as db, db.begin():
        return apply_payment(db, payment, stage.clock())


def give(stage: Stage, appeal: int, fen: int, openid: str = "oDonor", *, anonymous: bool = False) -> int:
    """A gift that has come; its pledge's number."""
    pledge = promise(stage, appeal, fen, openid, anonymous=anonymous)
    take(stage, payment_of(stage, ordered(stage, pledge)))
    return pledge


def pay_newest(stage: Stage) -> AppliedPayment:
    """The newest pledge, by whoever made it."""
    with Database(stage.database) as db:
        newest = db.scalars(select(Pledge.id).order_by(Pledge.id.desc())).first()
    assert newest, "nobody has pledged"
    return take(stage, payment_of(stage, ordered(stage, newest)))


def state_of(stage: Stage, table: type[Pledge] | type[PayOrder], number: int) -> str:
    with Database(stage.database) as db:
        return db.scalars(select(table.state).where(table.id == number)).one()


def later(stage: Stage, **by: float) -> None:
    stage.clock.move(timedelta(**by))
