"""Compare the bills of charities' accounts with gifts: payments, suspense items and refunds, and the donations' ledger.

A discrepancy is of the place of the gift's appeal; one of no order of ours has no place, and is its charity's.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Index,
    Select,
    case,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from models.appeals.appeal import Appeal
from models.giving.pledge import Pledge
from models.ledger.accounts import LedgerAccount
from models.ledger.tables import LedgerEntry, LedgerTransaction
from models.organisations.charity import Charity
from models.organisations.merchant import Merchant, charity_of_merchant
from models.payments.order import PayOrder, find_order
from models.payments.refund import GOING, Refund, find_refund
from models.payments.suspense import SuspenseItem
from models.places.region import parents
from models.staff.fund_holder import region_for_placeless
from models.staff.member import Staff, covered_by
from models.staff.task import Matter
from models.treasury.account_kind import MOST_ASKED, AccountKind, Span, Unconfirmed
from models.treasury.bill import Bill, BillLine
from models.treasury.bill_sources import cause_of, on_bill_or_missing, refunds_on_bill_or_missing
from models.treasury.comparison import BACK
from models.treasury.discrepancy import Discrepancy

_IN, _OUT = ("payment_received", "payment_unassigned"), ("refund_paid",)

# A day's payments and refunds are found by when they moved.
Index("ix_pay_orders_paid_at", PayOrder.paid_at)
Index("ix_refunds_ended_at", Refund.ended_at)


class GiftAccounts(AccountKind):
    name = "gifts"

    def numbers(self) -> Select[tuple[str]]:
        return select(Merchant.number)

    def periods(self) -> Select[Any]:
        back = select(Refund.merchant, func.max(Refund.ended_at).label("ended_at")).group_by(Refund.merchant).subquery()
        moved = func.greatest(func.max(PayOrder.paid_at), back.c.ended_at)
        began = func.min(PayOrder.created_at)
        each = select(PayOrder.merchant, began.label("began"), moved.label("moved"), null().label("until"))
        each = each.outerjoin(back, back.c.merchant == PayOrder.merchant)
        return each.group_by(PayOrder.merchant, back.c.ended_at).order_by(PayOrder.merchant)

    def records(self, span: Span) -> Sequence[Select[Any]]:
        order, item = PayOrder, SuspenseItem
        return (
            *_payments(span, order.transaction_id, order.paid_at, order.state, cause_of("order", order.id)),
            *_payments(span, item.transaction_id, item.opened_at, item.kind, cause_of("suspense_item", item.id)),
            *_refunds(span),
            *_by_hand(span),
        )

    def unconfirmed(self, db: Session, bill: Bill) -> Unconfirmed:
        on_bill = (BillLine.merchant == bill.merchant) & (BillLine.day == bill.day)
        unpaid = select(PayOrder.out_trade_no).distinct().join(BillLine, BillLine.out_trade_no == PayOrder.out_trade_no)
        unpaid = unpaid.where(PayOrder.merchant == bill.merchant, PayOrder.state != "paid")
        unpaid = unpaid.where(on_bill, BillLine.subject == "payment")
        going = select(Refund.id).distinct().join(BillLine, BillLine.base_number == Refund.out_refund_no)
        going = going.where(Refund.merchant == bill.merchant, Refund.state.in_(GOING))
        going = going.where(on_bill, BillLine.subject == "refund", BillLine.state == BACK)
        return Unconfirmed(tuple(db.scalars(unpaid.limit(MOST_ASKED))), tuple(db.scalars(going.limit(MOST_ASKED))))

    def state_here(self, db: Session, merchant: str, subject: str, number: str, out_trade_no: str) -> str | None:
        known = find_order(db, merchant, out_trade_no) if subject == "payment" else find_refund(db, merchant, number)
        return known.state if known else None

    def seen_by(self, staff: Staff) -> ColumnElement[bool]:
        """A fund holder sees all of the accounts of its charity, and nothing of another's.

        An officer sees those of its region, and those without a place of a charity that collects there.
        """
        own = self.of_staff(staff, Discrepancy.merchant)
        if staff.charity_id is not None:
            return own
        placed = _appeal_of_discrepancy(Appeal.id)
        return or_(placed.where(covered_by(staff, Appeal.region_code)).exists(), ~placed.exists() & own)

    def of_staff(self, staff: Staff, merchant: InstrumentedAttribute[str]) -> ColumnElement[bool]:
        own = select(Merchant.number).join(Charity, Charity.id == Merchant.charity_id)
        if staff.charity_id is not None:
            return merchant.in_(own.where(Charity.id == staff.charity_id))
        wide = Charity.region_code.in_([*parents(staff.region_code), staff.region_code])
        collects = or_(Charity.region_code.is_(None), wide, covered_by(staff, Charity.region_code))
        return merchant.in_(own.where(collects))

    def county(self) -> ColumnElement[str]:
        code = func.substr(Appeal.region_code, literal_column("1"), literal_column("6"))
        return _appeal_of_discrepancy(code).scalar_subquery()

    def matter(self, db: Session, number: int, county: str | None, merchant: str, now: datetime) -> tuple[Matter, str]:
        """Those of unknown orders go to who handles the charity's suspense items (models.staff.fund_holder)."""
        charity = charity_of_merchant(db, merchant)
        region = f"{county}000000" if county else region_for_placeless(db, charity, now)
        return Matter("discrepancy", number, region, None, charity), "discrepancy"


GIFTS = GiftAccounts()


def _appeal_of_discrepancy(what: Any) -> Select[Any]:
    same = (PayOrder.merchant == Discrepancy.merchant) & (PayOrder.out_trade_no == Discrepancy.out_trade_no)
    found = select(what).select_from(PayOrder).join(Pledge, Pledge.id == PayOrder.pledge_id)
    return found.join(Appeal, Appeal.id == Pledge.appeal_id).where(same).correlate(Discrepancy)


def _payments(span: Span, number: Any, at: Any, state: Any, cause: ColumnElement[str]) -> tuple[Select[Any], ...]:
    """Select payments, on the bill or not. A suspense item is a payment too, dated by when it was opened."""
    table = number.class_
    columns = select(
        literal("payment").label("subject"),
        number.label("number"),
        table.out_trade_no.label("out_trade_no"),
        table.amount_fen.label("fen"),
        state.label("state"),
        at.label("done_at"),
        _at_channel(cause, _IN).label("ledger_fen"),
        literal(0).label("earlier"),
    ).where(table.merchant == span.bill.merchant)
    if table is PayOrder:
        # A payment that came as a suspense item and was assigned to its order counts as the item's, not the order's.
        taken = select(SuspenseItem.id).where(SuspenseItem.merchant == PayOrder.merchant)
        columns = columns.where(~taken.where(SuspenseItem.transaction_id == PayOrder.transaction_id).exists())
    return on_bill_or_missing(span, "payment", columns, number, at)


def _refunds(span: Span) -> tuple[Select[Any], ...]:
    """Select refunds that are paid or on the bill."""

    def columns(number: Any, earlier: Any) -> Select[Any]:
        found = select(
            literal("refund").label("subject"),
            number.label("number"),
            PayOrder.out_trade_no.label("out_trade_no"),
            Refund.amount_fen.label("fen"),
            Refund.state.label("state"),
            Refund.ended_at.label("done_at"),
            (case((earlier == 1, 0), else_=-_at_channel(cause_of("refund", Refund.id), _OUT))).label("ledger_fen"),
            earlier.label("earlier"),
        )
        return found.join(PayOrder, PayOrder.id == Refund.pay_order_id).where(Refund.merchant == span.bill.merchant)

    return refunds_on_bill_or_missing(span, Refund, Refund.out_refund_no, Refund.state == "paid", columns)


def _by_hand(span: Span) -> tuple[Select[Any], ...]:
    """Select suspense items that the fund holder refunded by hand on the channel's site, by the number entered then."""
    item = SuspenseItem
    columns = select(
        literal("refund").label("subject"),
        item.refund_no.label("number"),
        item.out_trade_no.label("out_trade_no"),
        item.amount_fen.label("fen"),
        literal("paid").label("state"),
        item.closed_at.label("done_at"),
        (-_at_channel(cause_of("suspense_item", item.id), _OUT)).label("ledger_fen"),
        literal(0).label("earlier"),
    ).where(item.merchant == span.bill.merchant, item.refund_no.is_not(None))
    return on_bill_or_missing(span, "refund", columns, item.refund_no, item.closed_at)


def _at_channel(cause: ColumnElement[str], kinds: tuple[str, ...]) -> ColumnElement[int]:
    """Sum the fen that postings of these kinds moved at the channel, debit positive, without reversed ones."""
    posted, entry, reversal = LedgerTransaction, LedgerEntry, aliased(LedgerTransaction)
    channel = select(LedgerAccount.id).where(LedgerAccount.kind == "channel")
    return (
        select(func.coalesce(func.sum(entry.amount_fen), 0))
        .join(posted, posted.id == entry.transaction_id)
        .where(entry.account_id.in_(channel), posted.kind.in_(kinds), posted.cause == cause)
        .where(~select(reversal.id).where(reversal.reverses_id == posted.id).exists())
        .scalar_subquery()
    )
