"""Compare the bills of sellers' accounts with the payments and refunds of orders, and with the orders' own ledger.

An account is one seller's for good, so that its discrepancies, of known orders or not, are of the seller's county. A
trade bill says nothing of what is frozen or released: each release is asked about by its number until it is done
(models.market.money.sending; docs/money.md says why no other bill is compared).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, false, func, literal, literal_column, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.market.money.account import OrderEntry
from models.market.money.payment import OrderPayment
from models.market.money.sub_merchant import SubMerchant
from models.market.money.transfer import GOING, OrderTransfer, find_transfer
from models.market.orders.order import Order
from models.organisations.organisation import Organisation
from models.people.user import Household, User
from models.staff.fund_holder import region_for_placeless
from models.staff.member import Staff, covered_by
from models.staff.task import Matter
from models.treasury.account_kind import MOST_ASKED, AccountKind, Span, Unconfirmed
from models.treasury.bill import Bill, BillLine
from models.treasury.bill_sources import cause_of, on_bill_or_missing, refunds_on_bill_or_missing
from models.treasury.comparison import BACK
from models.treasury.discrepancy import Discrepancy

# Our states of a refund -> those by which it is compared (models.treasury.comparison).
_COMPARED_AS = {"done": "paid", "stuck": "abnormal"}


class SellerAccounts(AccountKind):
    name = "orders"

    def numbers(self) -> Select[tuple[str]]:
        return select(SubMerchant.number)

    def periods(self) -> Select[Any]:
        """A number that was withdrawn has bills until all of its money has gone its way."""
        ended = func.max(OrderTransfer.ended_at).filter(OrderTransfer.kind == "refund")
        going = func.count(OrderTransfer.id).filter(OrderTransfer.state != "done")
        began = func.min(OrderPayment.created_at)
        moved = func.greatest(func.max(OrderPayment.paid_at), ended)
        over = SubMerchant.withdrawn_at.is_not(None) & (going == 0)
        until = case((over, func.greatest(SubMerchant.withdrawn_at, moved)))
        each = select(SubMerchant.number.label("merchant"), began.label("began"), moved.label("moved"))
        each = each.add_columns(until.label("until"))
        each = each.join(OrderPayment, OrderPayment.sub_merchant == SubMerchant.number)
        each = each.outerjoin(OrderTransfer, OrderTransfer.payment_id == OrderPayment.id)
        return each.group_by(SubMerchant.number, SubMerchant.withdrawn_at).order_by(SubMerchant.number)

    def records(self, span: Span) -> Sequence[Select[Any]]:
        return (*_payments(span), *_refunds(span))

    def unconfirmed(self, db: Session, bill: Bill) -> Unconfirmed:
        payment, transfer = OrderPayment, OrderTransfer
        on_bill = (BillLine.merchant == bill.merchant) & (BillLine.day == bill.day)
        unpaid = select(payment.out_trade_no).distinct().join(BillLine, BillLine.out_trade_no == payment.out_trade_no)
        unpaid = unpaid.where(payment.sub_merchant == bill.merchant, payment.state != "paid")
        unpaid = unpaid.where(on_bill, BillLine.subject == "payment")
        going = select(transfer.id).distinct().join(BillLine, BillLine.base_number == transfer.base_number)
        going = going.where(transfer.state.in_(GOING), on_bill, BillLine.subject == "refund", BillLine.state == BACK)
        return Unconfirmed(tuple(db.scalars(unpaid.limit(MOST_ASKED))), tuple(db.scalars(going.limit(MOST_ASKED))))

    def state_here(self, db: Session, merchant: str, subject: str, number: str, out_trade_no: str) -> str | None:
        if subject == "payment":
            own = (OrderPayment.sub_merchant == merchant) & (OrderPayment.out_trade_no == out_trade_no)
            return db.scalar(select(OrderPayment.state).where(own))
        known = find_transfer(db, number)
        return _COMPARED_AS.get(known.state, known.state) if known else None

    def seen_by(self, staff: Staff) -> ColumnElement[bool]:
        return self.of_staff(staff, Discrepancy.merchant)

    def of_staff(self, staff: Staff, merchant: InstrumentedAttribute[str]) -> ColumnElement[bool]:
        """The seller's county sees it; a charity has no part in what is sold."""
        if staff.charity_id is not None:
            return false()
        homes = select(SubMerchant.number).outerjoin(User, User.id == SubMerchant.seller_id)
        homes = homes.outerjoin(Household, Household.id == User.household_id)
        homes = homes.outerjoin(Organisation, Organisation.id == SubMerchant.organisation_id)
        # Of an erased seller the household's place is left.
        erased = User.region_code.is_(None) & covered_by(staff, Household.region_code)
        theirs = homes.where(
            or_(covered_by(staff, User.region_code), erased, covered_by(staff, Organisation.region_code))
        )
        return merchant.in_(theirs)

    def county(self) -> ColumnElement[str]:
        code = func.coalesce(User.region_code, Household.region_code, Organisation.region_code)
        digits = func.substr(code, literal_column("1"), literal_column("6"))
        found = select(digits).select_from(SubMerchant).outerjoin(User, User.id == SubMerchant.seller_id)
        found = found.outerjoin(Household, Household.id == User.household_id)
        found = found.outerjoin(Organisation, Organisation.id == SubMerchant.organisation_id)
        return found.where(SubMerchant.number == Discrepancy.merchant).correlate(Discrepancy).scalar_subquery()

    def matter(self, db: Session, number: int, county: str | None, merchant: str, now: datetime) -> tuple[Matter, str]:
        region = f"{county}000000" if county else region_for_placeless(db, None, now)
        return Matter("discrepancy", number, region, None), "order_discrepancy"


ORDERS = SellerAccounts()


def open_differences(db: Session) -> Sequence[Discrepancy]:
    """List the open discrepancies of sellers' accounts in the order found."""
    theirs = Discrepancy.merchant.in_(ORDERS.numbers()) & (Discrepancy.state == "open")
    return db.scalars(select(Discrepancy).where(theirs).order_by(Discrepancy.id)).all()


def order_code(db: Session, found: Discrepancy) -> str | None:
    """Return the code of the order that a discrepancy is about; None if it is of none of ours."""
    own = (OrderPayment.sub_merchant == found.merchant) & (OrderPayment.out_trade_no == found.out_trade_no)
    return db.scalar(select(Order.code).join(OrderPayment, OrderPayment.order_id == Order.id).where(own))


def _payments(span: Span) -> tuple[Select[Any], ...]:
    payment = OrderPayment
    columns = select(
        literal("payment").label("subject"),
        payment.transaction_id.label("number"),
        payment.out_trade_no.label("out_trade_no"),
        payment.paid_fen.label("fen"),
        payment.state.label("state"),
        payment.paid_at.label("done_at"),
        _posted("paid", cause_of("payment", payment.id)).label("ledger_fen"),
        literal(0).label("earlier"),
    ).where(payment.sub_merchant == span.bill.merchant)
    return on_bill_or_missing(span, "payment", columns, payment.transaction_id, payment.paid_at)


def _refunds(span: Span) -> tuple[Select[Any], ...]:
    transfer, payment = OrderTransfer, OrderPayment

    def columns(number: Any, earlier: Any) -> Select[Any]:
        posted = _posted("returned", cause_of("transfer", transfer.id))
        found = select(
            literal("refund").label("subject"),
            number.label("number"),
            payment.out_trade_no.label("out_trade_no"),
            transfer.amount_fen.label("fen"),
            case(_COMPARED_AS, value=transfer.state, else_=transfer.state).label("state"),
            transfer.ended_at.label("done_at"),
            case((earlier == 1, 0), else_=posted).label("ledger_fen"),
            earlier.label("earlier"),
        )
        own = (payment.sub_merchant == span.bill.merchant) & (transfer.kind == "refund")
        return found.join(payment, payment.id == transfer.payment_id).where(own)

    return refunds_on_bill_or_missing(span, transfer, transfer.base_number, transfer.state == "done", columns)


def _posted(kind: str, cause: ColumnElement[str]) -> ColumnElement[int]:
    """Sum the fen that the orders' ledger has for a cause."""
    sums = select(func.coalesce(func.sum(OrderEntry.amount_fen), 0))
    return sums.where(OrderEntry.kind == kind, OrderEntry.cause == cause).scalar_subquery()
