"""Check refunds: each is posted as far as its state says, its gift's state fits, and none exceeds what was paid."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, String, case, cast, exists, func, literal, or_, select
from sqlalchemy.orm import aliased

from models.appeals.appeal import UNSUCCESSFUL, Appeal
from models.books.violation import Violation
from models.core.database import stream
from models.disbursements.disbursement import Disbursement
from models.giving.allocation import DisbursementShare
from models.giving.pledge import Pledge
from models.giving.refund_run import HELD, SURPLUS, RefundRun
from models.ledger.accounts import LedgerAccount
from models.ledger.tables import LedgerEntry, LedgerTransaction
from models.payments.order import PayOrder
from models.payments.refund import BESIDE, GOING, LAST_DAY, MOST_OF_ORDER, STUCK, UNASSIGNED, Refund
from models.payments.suspense import SuspenseItem
from models.staff.task import Task

_POSTINGS = ("refund_owed", "refund_from_unassigned", "refund_paid", "refund_redirected")
_ENDS_AS = {"paid": "refund_paid", "redirected": "refund_redirected"}
# State of a refund -> the state that its gift must have.
_GIFT = {**dict.fromkeys(GOING + STUCK, "refund_pending"), "paid": "refunded", "redirected": "redirected"}
_RUN_TAKES = timedelta(days=1)
_CAUSE = literal("refund:") + cast(Refund.id, String)


def check_refunds(connection: Connection, now: datetime) -> Iterator[Violation]:
    for _, rows in groupby(stream(connection, _with_postings()), key=lambda row: row.id):
        yield from _check(list(rows))
    yield from _astray(connection)
    yield from _gifts(connection)
    yield from _orders(connection)
    yield from _redirected(connection)
    yield from _tasks(connection)
    yield from _runs(connection, now)


def _with_postings() -> Any:
    """Select a row for each posting of each refund, with what it moved on the refunds account, or one row of None."""
    refund, posted, entry = Refund, LedgerTransaction, LedgerEntry
    ours = (posted.cause == _CAUSE) & posted.kind.in_(_POSTINGS)
    refunds = select(LedgerAccount.id).where(LedgerAccount.kind == "refunds")
    moved = (entry.transaction_id == posted.id) & entry.account_id.in_(refunds)
    columns = (refund.id, refund.state, refund.reason, refund.amount_fen, refund.asked_at)
    # A suspense item's payment is dated by when the item was opened.
    paid_at = func.coalesce(SuspenseItem.opened_at, PayOrder.paid_at).label("paid_at")
    return (
        select(*columns, paid_at, posted.kind, entry.amount_fen.label("moved"))
        .join(PayOrder, PayOrder.id == refund.pay_order_id)
        .outerjoin(SuspenseItem, SuspenseItem.id == refund.suspense_item_id)
        .outerjoin(posted, ours)
        .outerjoin(entry, moved)
        .order_by(refund.id)
    )


def _check(rows: Sequence[Row[Any]]) -> Iterator[Violation]:
    refund = rows[0]
    wanted = {"refund_from_unassigned" if refund.reason in UNASSIGNED else "refund_owed": -refund.amount_fen}
    if refund.state in _ENDS_AS:
        wanted[_ENDS_AS[refund.state]] = refund.amount_fen
    posted = {row.kind: row.moved for row in rows if row.kind}
    if posted != wanted:
        words = f"stands in {refund.state} with {refund.amount_fen} fen, and the ledger has {posted or 'nothing'} of it"
        yield Violation("refund_posting", "refund", refund.id, words)
    if refund.asked_at and (refund.paid_at is None or refund.asked_at - refund.paid_at >= LAST_DAY):
        yield Violation("refund_too_late", "refund", refund.id, f"was asked for after {LAST_DAY.days} days")


def _astray(connection: Connection) -> Iterator[Violation]:
    posted = LedgerTransaction
    ours = posted.cause.like("refund:%")
    # By number, so that the index is used; in a CASE, so that no other cause is cast to a number.
    number = case((ours, cast(func.substr(posted.cause, len("refund:") + 1), BigInteger)))
    nobodys = select(posted.id, posted.kind).outerjoin(Refund, Refund.id == number)
    nobodys = nobodys.where(posted.kind.in_(_POSTINGS), ours, Refund.id.is_(None))
    for found in stream(connection, nobodys.order_by(posted.id)):
        yield Violation("no_such_refund", "ledger", found.id, f"is a {found.kind} of a refund that is not there")


def _gifts(connection: Connection) -> Iterator[Violation]:
    own = (Refund.pledge_id == Pledge.id) & Refund.reason.not_in(BESIDE)
    goes = select(Pledge.id, Pledge.state, Refund.state.label("refund")).outerjoin(Refund, own)
    goes = goes.where(or_(Refund.id.is_not(None), Pledge.state.in_(sorted(set(_GIFT.values())))))
    for found in stream(connection, goes.order_by(Pledge.id)):
        if found.state != _GIFT.get(found.refund):
            words = f"stands in {found.state}, and its refund in {found.refund or 'none'}"
            yield Violation("gift_and_refund", "pledge", found.id, words)


def _orders(connection: Connection) -> Iterator[Violation]:
    """Check that an order's refunds do not exceed it in sum or count, and that the order was paid.

    A redirected refund never left the channel; it is refunded, if at all, by the gift that was made of it. A suspense
    item has a sum of its own and is refunded whole, so both are left out.
    """
    total, asked = func.sum(Refund.amount_fen), func.count(Refund.asked_at)
    paid_back = select(Refund.pay_order_id, PayOrder.amount_fen, total.label("total"), asked.label("asked"))
    paid_back = paid_back.join(PayOrder, PayOrder.id == Refund.pay_order_id)
    paid_back = paid_back.where(Refund.state != "redirected", Refund.reason != "suspense")
    paid_back = paid_back.group_by(Refund.pay_order_id, PayOrder.amount_fen, PayOrder.state)
    wrong = paid_back.having(or_(total > PayOrder.amount_fen, asked > MOST_OF_ORDER, PayOrder.state != "paid"))
    for found in stream(connection, wrong.order_by(Refund.pay_order_id)):
        words = f"was paid with {found.amount_fen} fen, and {found.total} go back in {found.asked} parts"
        yield Violation("order_refunded", "pay_order", found.pay_order_id, words)


def _redirected(connection: Connection) -> Iterator[Violation]:
    before, gift = aliased(Pledge), aliased(Pledge)
    another = or_(
        gift.amount_fen != Refund.amount_fen,
        gift.donor_id != before.donor_id,
        gift.anonymous != before.anonymous,
        gift.appeal_id == before.appeal_id,
    )
    wrong = select(Refund.id).join(before, before.id == Refund.pledge_id).join(gift, gift.id == Refund.redirected_to)
    for found in stream(connection, wrong.where(another).order_by(Refund.id)):
        yield Violation("redirected_wrong", "refund", found.id, "became a gift that is not the same")


def _tasks(connection: Connection) -> Iterator[Violation]:
    """Check that an appeal with stuck refunds has an open task, whose subject is one of them, and no other has."""
    waits = (Task.subject == "refund") & Task.closed_at.is_(None)
    same = aliased(Refund)
    named = select(Task.id).join(same, same.id == Task.subject_id).where(waits, same.appeal_id == Refund.appeal_id)
    missing = select(Refund.appeal_id).where(Refund.state.in_(STUCK), ~named.exists()).distinct()
    for found in stream(connection, missing.order_by(Refund.appeal_id)):
        yield Violation("task_missing", "appeal", found.appeal_id, "has refunds that are stuck, and no task is open")
    needless = select(Task.subject_id).outerjoin(Refund, Refund.id == Task.subject_id).where(waits)
    needless = needless.where(or_(Refund.id.is_(None), Refund.state.not_in(STUCK))).order_by(Task.subject_id)
    for found in stream(connection, needless):
        yield Violation("task_needless", "refund", found.subject_id, "has a task open, and is not stuck")


def _runs(connection: Connection, now: datetime) -> Iterator[Violation]:
    """Check that an appeal that has ended keeps no gift, and that its refund run is not stuck."""
    late = select(RefundRun.appeal_id).where(RefundRun.state == "planning", RefundRun.created_at <= now - _RUN_TAKES)
    for found in stream(connection, late.order_by(RefundRun.id)):
        yield Violation("run_stands_still", "appeal", found.appeal_id, "has ended, and its gifts do not go back")
    share = DisbursementShare
    spent = select(func.coalesce(func.sum(share.amount_fen), 0)).where(share.pledge_id == Pledge.id).scalar_subquery()
    own = select(PayOrder.id).where(PayOrder.pledge_id == Pledge.id, PayOrder.state == "paid").exists()
    made_of = select(Refund.id).where(Refund.redirected_to == Pledge.id).exists()
    kept = select(Pledge.id, Appeal.state).join(Appeal, Appeal.id == Pledge.appeal_id)
    kept = kept.outerjoin(RefundRun, RefundRun.appeal_id == Appeal.id)
    kept = kept.where(
        Appeal.state.in_(UNSUCCESSFUL), Pledge.state.in_(HELD), or_(own, made_of), Pledge.amount_fen > spent
    )
    kept = kept.where(or_(RefundRun.id.is_(None), RefundRun.state == "done"))
    for found in stream(connection, kept.order_by(Pledge.id)):
        yield Violation("gift_kept", "pledge", found.id, f"is held for an appeal that is {found.state}")
    yield from _kept_surplus(connection)


def _kept_surplus(connection: Connection) -> Iterator[Violation]:
    """Check that an appeal keeps nothing after its surplus was refunded, unless the bank returned a payout."""
    account = LedgerAccount
    theirs = (account.kind == "appeal") & (account.subject_id == RefundRun.appeal_id) & (account.balance_fen > 0)
    back = exists().where(Disbursement.appeal_id == RefundRun.appeal_id, Disbursement.state == "returned")
    kept = select(RefundRun.appeal_id, account.balance_fen).join(account, theirs)
    kept = kept.where(RefundRun.reason == SURPLUS, RefundRun.state == "done", ~back)
    for found in stream(connection, kept.order_by(RefundRun.id)):
        words = f"needs no more, has given back what was left, and holds {found.balance_fen} fen"
        yield Violation("surplus_kept", "appeal", found.appeal_id, words)
