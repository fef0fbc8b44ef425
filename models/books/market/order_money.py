"""Check the money of orders: their ledger adds up, each payment and transfer is in it once, and none is forgotten."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, String, case, cast, func, literal, or_, select

from models.books.violation import Violation
from models.core.database import stream
from models.market.money.account import KINDS, OrderAccount, OrderEntry
from models.market.money.payment import OrderPayment
from models.market.money.transfer import OrderTransfer
from models.market.orders.order import Order
from models.payments.platform_order import LIVE

# After its time the platform is asked every minute, so that a payment is decided within this time.
_SETTLED_WITHIN = timedelta(days=1)
_ENDED = ("cancelled", "completed", "refunded", "rejected")
_POSTED = {"refund": "returned", "release": "released"}


def check_order_money(connection: Connection, now: datetime) -> Iterator[Violation]:
    yield from _sums(connection)
    yield from _payments(connection)
    yield from _transfers(connection)
    yield from _astray(connection)
    yield from _ended(connection)
    yield from _states(connection)
    yield from _live(connection, now)


def _sums(connection: Connection) -> Iterator[Violation]:
    """Recompute each order's account from its entries: paid = held + released + returned, and nothing below zero."""
    entry, account = OrderEntry, OrderAccount
    added = {kind: func.sum(case((entry.kind == kind, entry.amount_fen), else_=0)) for kind in KINDS}
    sums = select(entry.order_id, *(added[kind].label(kind) for kind in KINDS)).group_by(entry.order_id).subquery()
    pairs = [(getattr(account, f"{kind}_fen"), func.coalesce(sums.c[kind], 0)) for kind in KINDS]
    differs = [func.coalesce(kept, -1) != real for kept, real in pairs]
    joined = sums.join(account, account.order_id == sums.c.order_id, full=True)
    number = func.coalesce(sums.c.order_id, account.order_id)
    overdrawn = sums.c.released + sums.c.returned > sums.c.paid
    wrong = select(number.label("id")).select_from(joined).where(or_(*differs, overdrawn)).order_by(number)
    for found in stream(connection, wrong):
        yield Violation("order_account", "order", found.id, "has an account that is not what its entries add up to")


def _payments(connection: Connection) -> Iterator[Violation]:
    payment = OrderPayment
    fits = (OrderEntry.kind == "paid") & (OrderEntry.cause == _cause("payment", payment))
    found = select(payment.id, payment.state, payment.order_id, payment.paid_fen, OrderEntry.amount_fen.label("moved"))
    found = found.add_columns(OrderEntry.order_id.label("of")).outerjoin(OrderEntry, fits)
    for row in stream(connection, found.order_by(payment.id)):
        moved = (row.moved, row.of) if row.moved is not None else None
        if moved != ((row.paid_fen, row.order_id) if row.state == "paid" else None):
            words = f"stands in {row.state} with {row.paid_fen} fen, and the orders' ledger has {row.moved} of it"
            yield Violation("order_payment_posting", "order_payment", row.id, words)


def _transfers(connection: Connection) -> Iterator[Violation]:
    transfer = OrderTransfer
    fits = (OrderEntry.cause == _cause("transfer", transfer)) & OrderEntry.kind.in_(_POSTED.values())
    columns = (transfer.id, transfer.kind, transfer.state, transfer.order_id, transfer.amount_fen)
    found = select(*columns, OrderEntry.kind.label("posted"), OrderEntry.amount_fen.label("moved"))
    found = found.add_columns(OrderEntry.order_id.label("of")).outerjoin(OrderEntry, fits).order_by(transfer.id)
    for row in stream(connection, found):
        wanted = (_POSTED[row.kind], row.amount_fen, row.order_id) if row.state == "done" else (None, None, None)
        if (row.posted, row.moved, row.of) != wanted:
            words = f"is a {row.kind} in {row.state} of {row.amount_fen} fen, and the orders' ledger has {row.moved}"
            yield Violation("order_transfer_posting", "order_transfer", row.id, words)


def _astray(connection: Connection) -> Iterator[Violation]:
    """Find entries of no payment, transfer or order."""
    causes: list[tuple[tuple[str, ...], str, Any]] = [
        (("paid",), "payment", OrderPayment),
        (("released", "returned"), "transfer", OrderTransfer),
        (("promised",), "order", Order),
    ]
    for kinds, word, table in causes:
        lost = select(OrderEntry.id).outerjoin(table, OrderEntry.cause == _cause(word, table))
        lost = lost.where(OrderEntry.kind.in_(kinds), table.id.is_(None)).order_by(OrderEntry.id)
        for found in stream(connection, lost):
            yield Violation("order_entry_astray", "order_entry", found.id, f"is of a {word} that is not there")


def _ended(connection: Connection) -> Iterator[Violation]:
    """Check that all that was paid for an order is going somewhere once it is over, and never more than was paid."""
    taken = select(OrderTransfer.payment_id, func.sum(OrderTransfer.amount_fen).label("fen"))
    taken_by = taken.group_by(OrderTransfer.payment_id).subquery()
    fen = func.coalesce(taken_by.c.fen, 0)
    found = select(OrderPayment.id, Order.state, OrderPayment.paid_fen, fen.label("going"))
    found = found.join(Order, Order.id == OrderPayment.order_id)
    found = found.outerjoin(taken_by, taken_by.c.payment_id == OrderPayment.id)
    over = Order.state.in_(_ENDED) & (fen != OrderPayment.paid_fen)
    found = found.where(OrderPayment.state == "paid", or_(over, fen > OrderPayment.paid_fen))
    for row in stream(connection, found.order_by(OrderPayment.id)):
        words = f"brought {row.paid_fen} fen for an order in {row.state}, and {row.going} of them leave"
        yield Violation("order_money_left", "order_payment", row.id, words)


def _states(connection: Connection) -> Iterator[Violation]:
    """Check that an order counts as paid where a payment of its whole sum came for it, and only there."""
    fits = (OrderPayment.order_id == Order.id) & (OrderPayment.state == "paid")
    fits &= OrderPayment.paid_fen >= Order.total_fen
    wrong = select(Order.id, Order.state).where(
        Order.paid_at.is_not(None), ~select(OrderPayment.id).where(fits).exists()
    )
    for row in stream(connection, wrong.order_by(Order.id)):
        yield Violation("order_paid", "order", row.id, f"stands in {row.state} as paid, and no payment fits")


def _live(connection: Connection, now: datetime) -> Iterator[Violation]:
    late = select(OrderPayment.id).where(OrderPayment.state.in_(LIVE), OrderPayment.expires_at <= now - _SETTLED_WITHIN)
    for row in stream(connection, late.order_by(OrderPayment.id)):
        yield Violation("order_payment_not_settled", "order_payment", row.id, "is neither paid nor closed, long after")


def _cause(word: str, table: Any) -> Any:
    return literal(f"{word}:") + cast(table.id, String)
