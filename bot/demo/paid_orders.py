"""List the paid orders of the demo's books for its simulator, which remembers none of an earlier start."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.pay.factory import NOTIFY_PATH, PARTNER_NOTIFY_PATH
from bot.pay.fields import shown
from models.appeals.appeal import Appeal
from models.giving.pledge import Pledge
from models.market.money.payment import OrderPayment
from models.market.money.transfer import OrderTransfer
from models.market.orders.order import Order
from models.payments.order import PayOrder
from models.payments.platform_order import PlatformOrder
from models.people.conversation import Conversation


def paid_orders(db: Session, account: str, public_url: str) -> list[dict[str, Any]]:
    """Return them as the simulator reads them (bot.simulator.pay.paid.PaidOrder), in the order of their payments.

    ``public_url``: where the bot hears of payments. The payer is the donor or buyer, by their conversation with this
    account; nobody, once their data is erased.
    """
    url = public_url.rstrip("/")
    found = [*_gifts(db, account, url + NOTIFY_PATH), *_orders(db, account, url + PARTNER_NOTIFY_PATH)]
    return sorted(found, key=lambda one: one["paid_at"])


def _gifts(db: Session, account: str, notify_url: str) -> Iterator[dict[str, Any]]:
    paid = select(PayOrder, Appeal.title, _openid(Pledge.donor_id, account))
    paid = paid.join(Pledge, Pledge.id == PayOrder.pledge_id).join(Appeal, Appeal.id == Pledge.appeal_id)
    for order, title, openid in db.execute(paid.where(PayOrder.state == "paid").order_by(PayOrder.id)):
        yield {"mchid": order.merchant, **_common(order, title, openid, notify_url)}


def _orders(db: Session, account: str, notify_url: str) -> Iterator[dict[str, Any]]:
    released = (OrderTransfer.payment_id == OrderPayment.id) & (OrderTransfer.kind == "release")
    done = select(OrderTransfer.id).where(released, OrderTransfer.state == "done").exists()
    paid = select(OrderPayment, Order.name, _openid(Order.buyer_id, account), done)
    paid = paid.join(Order, Order.id == OrderPayment.order_id).where(OrderPayment.state == "paid")
    for order, name, openid, is_released in db.execute(paid.order_by(OrderPayment.id)):
        theirs = {"mchid": "", "sub_mchid": order.sub_merchant, "freezes": not is_released}
        yield theirs | _common(order, name, openid, notify_url)


def _openid(user: ColumnElement[int] | InstrumentedAttribute[int], account: str) -> ScalarSelect[str]:
    theirs = (Conversation.user_id == user) & (Conversation.account == account)
    return select(func.coalesce(func.min(Conversation.openid), "")).where(theirs).scalar_subquery()


def _common(order: PlatformOrder, description: str, openid: str, notify_url: str) -> dict[str, Any]:
    return {
        "out_trade_no": order.out_trade_no,
        "transaction_id": order.transaction_id,
        "openid": openid,
        "description": shown(description),
        "total": order.amount_fen,
        "notify_url": notify_url,
        "created": order.created_at.timestamp(),
        "paid_at": order.paid_at.timestamp() if order.paid_at else None,
    }
