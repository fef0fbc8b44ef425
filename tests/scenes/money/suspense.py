"""Payments that cannot be right, on the stage; and money at a fund holder's bank."""

from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.giving.pledge import Pledge
from models.ledger import moves
from models.payments.order import PayOrder
from models.payments.suspense import SuspenseItem
from models.staff.fund_holder import holder_of
from models.staff.member import Staff
from tests.harness.stage import Stage
from tests.scenes.money.gifts import give, ordered, payment_of, promise, take

WANTED = 10_000
_serial = count(1)


def suspense_item(stage: Stage, kind: str, fen: int) -> int:
    """A suspense item of this kind, of a gift of WANTED fen to the newest appeal; its number."""
    number = f"T{next(_serial):06d}"
    if kind == "unknown_order":
        order = ordered(stage, give_later(stage))
        payment = payment_of(stage, order, out_trade_no=f"NEVER{number}", transaction_id=number, fen=fen)
    elif kind == "paid_twice":
        pledge = give_later(stage)
        order = ordered(stage, pledge)
        take(stage, payment_of(stage, order))
        payment = payment_of(stage, order, transaction_id=number, fen=fen)
    else:
        payment = payment_of(stage, ordered(stage, give_later(stage)), transaction_id=number, fen=fen)
    take(stage, payment)
    with Database(stage.database) as db:
        return db.scalars(select(SuspenseItem.id).order_by(SuspenseItem.id.desc())).first() or 0


def give_later(stage: Stage) -> int:
    """Promised by a donor of its own; the pledge's number."""
    with Database(stage.database) as db:
        appeal = db.scalars(select(Appeal.id).order_by(Appeal.id.desc())).first() or 0
    return promise(stage, appeal, WANTED, f"o-payer-{next(_serial)}")


def at_bank(stage: Stage, openid: str, fen: int) -> None:
    """So much of another appeal's gifts has reached the bank of this one's fund holder."""
    appeal = stage.open_appeal()
    give(stage, appeal, fen, f"o-payer-{next(_serial)}")
    with Database(stage.database) as db, db.begin():
        staff = db.scalars(select(Staff).where(Staff.openid == openid)).one()
        moves.settled(db, holder_of(staff), fen, 0, f"test:{next(_serial)}", stage.clock())


def item_of(stage: Stage, number: int) -> SuspenseItem:
    with Database(stage.database, expire_on_commit=False) as db:
        return db.get_one(SuspenseItem, number)


def pledge_of(stage: Stage, number: int) -> Pledge:
    with Database(stage.database, expire_on_commit=False) as db:
        order = db.get_one(PayOrder, db.get_one(SuspenseItem, number).order_id)
        return db.get_one(Pledge, order.pledge_id)
