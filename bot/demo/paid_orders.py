"""List the paid orders of the demo's books for its simulator, which remembers none of an earlier start."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.pay.fields import shown
from models.appeals.appeal import Appeal
from models.giving.pledge import Pledge
from models.payments.order import PayOrder
from models.people.conversation import Conversation


def paid_orders(db: Session, account: str, notify_url: str) -> list[dict[str, Any]]:
    """Return them as the simulator reads them (bot.simulator.pay.paid.PaidOrder), in the order of their payments.

    The payer is the pledge's donor, by their conversation with this account; nobody, once the donor is erased.
    """
    theirs = (Conversation.user_id == Pledge.donor_id) & (Conversation.account == account)
    payer = select(func.coalesce(func.min(Conversation.openid), "")).where(theirs).scalar_subquery()
    paid = select(PayOrder, Appeal.title, payer).join(Pledge, Pledge.id == PayOrder.pledge_id)
    paid = paid.join(Appeal, Appeal.id == Pledge.appeal_id).where(PayOrder.state == "paid")
    return [
        {
            "mchid": order.merchant,
            "out_trade_no": order.out_trade_no,
            "transaction_id": order.transaction_id,
            "openid": openid,
            "description": shown(title),
            "total": order.amount_fen,
            "notify_url": notify_url,
            "created": order.created_at.timestamp(),
            "paid_at": order.paid_at.timestamp() if order.paid_at else None,
        }
        for order, title, openid in db.execute(paid.order_by(PayOrder.paid_at, PayOrder.id))
    ]
