"""Check payments: each is in the ledger once, with its sum, its gift's state fits, and no posting lacks a payment."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, String, cast, literal, or_, select

from models.books.violation import Violation
from models.core.database import stream
from models.giving.pledge import Pledge
from models.ledger.accounts import Account, LedgerAccount
from models.ledger.tables import LedgerEntry, LedgerTransaction
from models.organisations.merchant import Merchant
from models.payments.order import PayOrder
from models.payments.platform_order import LIVE
from models.payments.refund import Refund
from models.payments.suspense import SuspenseItem
from models.staff.task import Task

_RECEIVED, _UNASSIGNED = "payment_received", "payment_unassigned"
# Outcome of a suspense item -> the postings that it must have beside the one of its payment.
_SETTLED_BY = {
    "assigned": {"payment_assigned"},
    "by_hand": {"refund_from_unassigned", "refund_paid"},
}
_POSTINGS = (_RECEIVED, _UNASSIGNED)
# A pledge in one of these states is not paid; in all others it is.
_UNPAID = ("intended", "awaiting_payment", "expired", "cancelled")
# After its time is over the channel is queried every minute, so an order must be decided within this time.
_SETTLED_WITHIN = timedelta(days=1)


def check_payments(connection: Connection, now: datetime) -> Iterator[Violation]:
    for _, rows in groupby(stream(connection, _orders()), key=lambda row: row.id):
        yield from _check_order(list(rows))
    for _, rows in groupby(stream(connection, _items()), key=lambda row: row.id):
        yield from _check_item(list(rows))
    for name, table in (("order", PayOrder), ("suspense_item", SuspenseItem)):
        yield from _astray(connection, name, table)
    yield from _settled(connection)
    yield from _waiting(connection)
    yield from _gifts(connection)
    yield from _live(connection, now)


def _cause(name: str, table: type[PayOrder] | type[SuspenseItem]) -> Any:
    return literal(f"{name}:") + cast(table.id, String)


def _postings(statement: Any, cause: Any) -> Any:
    """Add a row for each account that a posting of this cause credits, or one row of None."""
    posted = (LedgerTransaction.cause == cause) & LedgerTransaction.kind.in_(_POSTINGS)
    posted &= LedgerTransaction.reverses_id.is_(None)
    credited = (LedgerEntry.transaction_id == LedgerTransaction.id) & (LedgerEntry.amount_fen < 0)
    return (
        statement.add_columns(
            LedgerTransaction.kind.label("posted"),
            LedgerAccount.kind.label("account"),
            LedgerAccount.subject_id,
            LedgerEntry.amount_fen.label("moved"),
        )
        .outerjoin(LedgerTransaction, posted)
        .outerjoin(LedgerEntry, credited)
        .outerjoin(LedgerAccount, LedgerAccount.id == LedgerEntry.account_id)
    )


def _orders() -> Any:
    order = PayOrder
    columns = (
        order.id,
        order.state,
        order.amount_fen,
        Pledge.appeal_id,
        SuspenseItem.id.label("item"),
        Merchant.charity_id,
    )
    found = select(*columns).join(Pledge, Pledge.id == order.pledge_id)
    found = found.outerjoin(Merchant, Merchant.number == order.merchant)
    # A payment that came as a suspense item and was assigned to its order is posted as the item.
    taken = (SuspenseItem.order_id == order.id) & (SuspenseItem.outcome == "assigned")
    found = found.outerjoin(SuspenseItem, taken & (SuspenseItem.transaction_id == order.transaction_id))
    return _postings(found, _cause("order", order)).order_by(order.id)


def _items() -> Any:
    items = select(SuspenseItem.id, SuspenseItem.amount_fen, Merchant.charity_id)
    items = items.outerjoin(Merchant, Merchant.number == SuspenseItem.merchant)
    return _postings(items, _cause("suspense_item", SuspenseItem)).order_by(SuspenseItem.id)


def _moved(rows: Sequence[Row[Any]]) -> list[tuple[str, Account, int]]:
    return [(row.posted, Account(row.account, row.subject_id), -row.moved) for row in rows if row.posted]


def _check_order(rows: Sequence[Row[Any]]) -> Iterator[Violation]:
    order, moved = rows[0], _moved(rows)
    wanted = [
        [(_RECEIVED, Account("appeal", order.appeal_id), order.amount_fen)],
        [(_UNASSIGNED, Account("unassigned", order.charity_id), order.amount_fen)],
    ]
    if moved not in (wanted if order.state == "paid" and not order.item else [[]]):
        words = f"stands in {order.state} with {order.amount_fen} fen, and the ledger has {moved or 'nothing'} of it"
        yield Violation("payment_posting", "pay_order", order.id, words)


def _check_item(rows: Sequence[Row[Any]]) -> Iterator[Violation]:
    item, moved = rows[0], _moved(rows)
    if moved != [(_UNASSIGNED, Account("unassigned", item.charity_id), item.amount_fen)]:
        words = f"is about {item.amount_fen} fen, and the ledger has {moved or 'nothing'} of it"
        yield Violation("payment_posting", "suspense_item", item.id, words)


def _settled(connection: Connection) -> Iterator[Violation]:
    """Check that each closed suspense item left the unassigned account once, as its outcome says, with its sum."""
    posted, entry, account = LedgerTransaction, LedgerEntry, LedgerAccount
    kinds = sorted(set().union(*_SETTLED_BY.values()))
    came_to = (entry.transaction_id == posted.id) & (entry.amount_fen < 0)
    found = (
        select(SuspenseItem.id, SuspenseItem.outcome, SuspenseItem.amount_fen, Refund.amount_fen.label("back"))
        .add_columns(posted.kind, entry.amount_fen.label("moved"), account.kind.label("to"), account.subject_id)
        .add_columns(Pledge.appeal_id)
        .outerjoin(Refund, Refund.suspense_item_id == SuspenseItem.id)
        .outerjoin(PayOrder, PayOrder.id == SuspenseItem.order_id)
        .outerjoin(Pledge, Pledge.id == PayOrder.pledge_id)
        .outerjoin(posted, (posted.cause == _cause("suspense_item", SuspenseItem)) & posted.kind.in_(kinds))
        .outerjoin(entry, came_to)
        .outerjoin(account, account.id == entry.account_id)
        .order_by(SuspenseItem.id)
    )
    for _, group in groupby(stream(connection, found), key=lambda row: row.id):
        rows = list(group)
        item = rows[0]
        moved = sorted(row.kind for row in rows if row.kind)
        wrong_sum = any(row.kind and -row.moved != item.amount_fen for row in rows)
        astray = any(row.kind == "payment_assigned" and row.subject_id != item.appeal_id for row in rows)
        back = item.amount_fen if item.outcome == "given_back" else None
        if moved != sorted(_SETTLED_BY.get(item.outcome, ())) or wrong_sum or astray or back != item.back:
            words = f"is settled as {item.outcome or 'nothing'}, and the ledger has {moved or 'nothing'} of that"
            yield Violation("suspense_settled", "suspense_item", item.id, words)


def _waiting(connection: Connection) -> Iterator[Violation]:
    """Check that each open suspense item has an open task, and no closed one has."""
    waits = (Task.subject == "suspense_item") & (Task.subject_id == SuspenseItem.id) & Task.closed_at.is_(None)
    found = select(SuspenseItem.id, SuspenseItem.closed_at, Task.id.label("task")).outerjoin(Task, waits)
    for item in stream(connection, found.order_by(SuspenseItem.id)):
        if (item.task is None) != (item.closed_at is not None):
            code = "task_needless" if item.task else "task_missing"
            yield Violation(code, "suspense_item", item.id, f"is {'closed' if item.closed_at else 'open'}")


def _astray(connection: Connection, name: str, table: type[PayOrder] | type[SuspenseItem]) -> Iterator[Violation]:
    posted = LedgerTransaction
    nobodys = select(posted.id, posted.kind).outerjoin(table, posted.cause == _cause(name, table))
    nobodys = nobodys.where(posted.kind.in_(_POSTINGS), posted.cause.startswith(f"{name}:"), table.id.is_(None))
    for found in stream(connection, nobodys.order_by(posted.id)):
        yield Violation("no_such_payout", "ledger", found.id, f"is a {found.kind} for a {name} that is not there")


def _gifts(connection: Connection) -> Iterator[Violation]:
    """Check that a gift has a paid order or was made of a redirected one, and an unpaid pledge no paid order."""
    own = select(PayOrder.id).where(PayOrder.pledge_id == Pledge.id, PayOrder.state == "paid").exists()
    made_of = select(Refund.id).where(Refund.redirected_to == Pledge.id).exists()
    unpaid = Pledge.state.in_(_UNPAID)
    wrong = select(Pledge.id, Pledge.state).where(or_(unpaid & own, ~unpaid & ~own & ~made_of))
    for found in stream(connection, wrong.order_by(Pledge.id)):
        words = "and was paid" if found.state in _UNPAID else "and nothing was paid"
        yield Violation("gift_and_payment", "pledge", found.id, f"stands in {found.state}, {words}")


def _live(connection: Connection, now: datetime) -> Iterator[Violation]:
    late = select(PayOrder.id).where(PayOrder.state.in_(LIVE), PayOrder.expires_at <= now - _SETTLED_WITHIN)
    for found in stream(connection, late.order_by(PayOrder.id)):
        yield Violation("order_not_settled", "pay_order", found.id, "is neither paid nor closed, long after its time")
