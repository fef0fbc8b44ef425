"""Payments: each that came is in the ledger once, with its sum; its gift stands with it; nothing else claims to be."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, String, cast, literal, or_, select

from models.books.violation import Violation, stream
from models.ledger.accounts import Account, LedgerAccount
from models.ledger.tables import LedgerEntry, LedgerTransaction
from models.payment import LIVE, PayCase, PayOrder
from models.pledge import Pledge
from models.refund import Refund

_RECEIVED, _UNASSIGNED = "payment_received", "payment_unassigned"
_POSTINGS = (_RECEIVED, _UNASSIGNED)
# A pledge in one of these has no money, in the others it has.
_UNPAID = ("intended", "awaiting_payment", "expired", "cancelled")
# Its time is over, the platform was asked every minute, and it still says nothing.
_SETTLED_WITHIN = timedelta(days=1)


def check_payments(connection: Connection, now: datetime) -> Iterator[Violation]:
    for _, rows in groupby(stream(connection, _orders()), key=lambda row: row.id):
        yield from _check_order(list(rows))
    for _, rows in groupby(stream(connection, _cases()), key=lambda row: row.id):
        yield from _check_case(list(rows))
    for name, table in (("order", PayOrder), ("pay_case", PayCase)):
        yield from _astray(connection, name, table)
    yield from _gifts(connection)
    yield from _live(connection, now)


def _cause(name: str, table: type[PayOrder] | type[PayCase]) -> Any:
    return literal(f"{name}:") + cast(table.id, String)


def _postings(statement: Any, cause: Any) -> Any:
    """A row for each account that is credited by each posting for it, or one without."""
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
    columns = (order.id, order.state, order.amount_fen, Pledge.appeal_id)
    found = select(*columns).join(Pledge, Pledge.id == order.pledge_id)
    return _postings(found, _cause("order", order)).order_by(order.id)


def _cases() -> Any:
    return _postings(select(PayCase.id, PayCase.amount_fen), _cause("pay_case", PayCase)).order_by(PayCase.id)


def _moved(rows: Sequence[Row[Any]]) -> list[tuple[str, Account, int]]:
    return [(row.posted, Account(row.account, row.subject_id), -row.moved) for row in rows if row.posted]


def _check_order(rows: Sequence[Row[Any]]) -> Iterator[Violation]:
    order, moved = rows[0], _moved(rows)
    wanted = [
        [(_RECEIVED, Account("appeal", order.appeal_id), order.amount_fen)],
        [(_UNASSIGNED, Account("unassigned"), order.amount_fen)],
    ]
    if moved not in (wanted if order.state == "paid" else [[]]):
        words = f"stands in {order.state} with {order.amount_fen} fen, and the ledger has {moved or 'nothing'} of it"
        yield Violation("payment_posting", "pay_order", order.id, words)


def _check_case(rows: Sequence[Row[Any]]) -> Iterator[Violation]:
    case, moved = rows[0], _moved(rows)
    if moved != [(_UNASSIGNED, Account("unassigned"), case.amount_fen)]:
        words = f"is about {case.amount_fen} fen, and the ledger has {moved or 'nothing'} of it"
        yield Violation("payment_posting", "pay_case", case.id, words)


def _astray(connection: Connection, name: str, table: type[PayOrder] | type[PayCase]) -> Iterator[Violation]:
    posted = LedgerTransaction
    nobodys = select(posted.id, posted.kind).outerjoin(table, posted.cause == _cause(name, table))
    nobodys = nobodys.where(posted.kind.in_(_POSTINGS), posted.cause.startswith(f"{name}:"), table.id.is_(None))
    for found in stream(connection, nobodys.order_by(posted.id)):
        yield Violation("no_such_payment", "ledger", found.id, f"is a {found.kind} for a {name} that is not there")


def _gifts(connection: Connection) -> Iterator[Violation]:
    """A gift has money of its own, or of the one that it was made of; a promise has none."""
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
