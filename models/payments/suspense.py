"""Open a suspense item, with a task for the fund holder, for a payment that cannot be placed."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.audit_trail import record
from models.giving.pledge import Pledge
from models.payments.order import Payment, PayOrder, SuspenseItem
from models.people.conversation import Conversation
from models.staff.fund_holder import region_for_placeless
from models.staff.member import Staff
from models.staff.task import Matter, open_task


def open_case(db: Session, kind: str, payment: Payment, order: PayOrder | None, now: datetime) -> SuspenseItem | None:
    """Open a suspense item and its task. None where this transaction has one already, also from a concurrent worker."""
    number = db.scalar(
        insert(SuspenseItem)
        .values(
            kind=kind,
            merchant=payment.merchant,
            transaction_id=payment.transaction_id,
            out_trade_no=payment.out_trade_no,
            order_id=order.id if order else None,
            amount_fen=payment.fen,
            opened_at=now,
        )
        .on_conflict_do_nothing(index_elements=["merchant", "transaction_id"])
        .returning(SuspenseItem.id)
    )
    if number is None:
        return None
    record(db, at=now, actor="system", action="opened", subject="suspense_item", subject_id=number, detail=kind)
    matter, barred = _matter(db, number, order, now)
    open_task(db, matter, "suspense_item", now, barred)
    return db.get_one(SuspenseItem, number)


def _matter(db: Session, number: int, order: PayOrder | None, now: datetime) -> tuple[Matter, dict[int, str]]:
    """Return the item's region and household, and the staff who may not settle it because the gift is their own."""
    if order is None:
        return Matter("suspense_item", number, region_for_placeless(db, now), None), {}
    pledge = db.get_one(Pledge, order.pledge_id)
    appeal = db.get_one(Appeal, pledge.appeal_id)
    theirs = (Conversation.account == Staff.account) & (Conversation.openid == Staff.openid)
    own = select(Staff.id).join(Conversation, theirs).where(Conversation.user_id == pledge.donor_id)
    barred = dict.fromkeys(db.scalars(own), "own_gift")
    return Matter("suspense_item", number, appeal.region_code, appeal.household_id), barred
