"""Collect the kinds of things that tasks, decisions, pictures and audit events may be about, as rooms declare them."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Select, null, select
from sqlalchemy.orm import Session

from models.appeals.appeal import APPEAL
from models.appeals.beneficiary import BENEFICIARY
from models.appeals.revision import REVISION
from models.core.subject import Subject
from models.disbursements.disbursement import DISBURSEMENT
from models.donors.message import MESSAGE
from models.donors.receipt import RECEIPT
from models.donors.recurring_gift import RECURRING_GIFT
from models.giving.pledge import PLEDGE
from models.giving.pool import POOL
from models.goods.exchange import OFFER, REQUEST
from models.goods.matches.match import MATCH
from models.goods.matches.thanks import GOODS_THANKS
from models.goods.points.point import POINT
from models.goods.rounds.round import ROUND
from models.market.after_sales.after_sale import AFTER_SALE
from models.market.campaigns.campaign import CAMPAIGN, CAMPAIGN_GROWER, CAMPAIGN_PLEDGE
from models.market.listing import LISTING
from models.market.lots.lot import LOT
from models.market.money.payment import ORDER_PAYMENT
from models.market.money.transfer import ORDER_TRANSFER
from models.market.orders.order import ORDER
from models.market.seller import SELLER
from models.organisations.organisation import ORGANISATION
from models.organisations.representative import REPRESENTATIVE
from models.outreach.update import UPDATE
from models.payments.order import PAY_ORDER
from models.payments.refund import REFUND
from models.payments.suspense import SUSPENSE_ITEM
from models.proxy.mandate import MANDATE
from models.staff.appointment import STAFF
from models.treasury.discrepancy import DISCREPANCY
from models.verification.case import CASE
from models.verification.visit import VISIT

SUBJECTS: dict[str, Subject] = {
    subject.name: subject
    for subject in (
        *(STAFF, MANDATE, CASE, VISIT, ORGANISATION, REPRESENTATIVE, APPEAL, BENEFICIARY, REVISION),
        *(PLEDGE, POOL, UPDATE, DISBURSEMENT, PAY_ORDER, SUSPENSE_ITEM, REFUND),
        *(RECURRING_GIFT, MESSAGE, RECEIPT, DISCREPANCY, OFFER, REQUEST, LISTING, SELLER),
        *(POINT, ROUND, MATCH, GOODS_THANKS, LOT, ORDER, AFTER_SALE, ORDER_PAYMENT, ORDER_TRANSFER),
        *(CAMPAIGN, CAMPAIGN_PLEDGE, CAMPAIGN_GROWER),
    )
}


def declare_subject(subject: Subject) -> None:
    """Add the kind of a room that stands above this module; again changes nothing (models.wiring)."""
    SUBJECTS[subject.name] = subject


class SubjectRecord(NamedTuple):
    """One thing's id, owner (a user, or None), region's code and household; of a part, those of its parent."""

    number: int
    owner: int | None
    place: str | None
    household: int | None


def select_records(subject: Subject) -> Select[Any]:
    """Select every thing of this kind: its id (``part``) and the columns of its ``SubjectRecord``."""
    top = subject.parent or subject
    household = null() if top.household is None else top.household
    columns = (top.table.id.label("number"), top.owner, top.place, household.label("household"))
    found = select(subject.table.id.label("part"), *columns)
    return found.join(top.table, top.table.id == subject.parent_id) if subject.parent else found


def records_of(db: Session, name: str, numbers: Collection[int]) -> dict[int, SubjectRecord]:
    """Map the ids of things of one kind to their records; of a part, to its parent's."""
    subject = SUBJECTS[name]
    found = db.execute(select_records(subject).where(subject.table.id.in_(numbers)))
    return {part: SubjectRecord(*record) for part, *record in found}
