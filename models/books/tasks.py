"""Check tasks: what waits for staff has exactly one open task, and nothing else has any."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from models.appeals.appeal import LIVE, Appeal
from models.appeals.revision import Revision
from models.books.filled import filled
from models.books.violation import Violation
from models.core.database import stream
from models.disbursements.disbursement import Disbursement
from models.donors.message import GiftMessage
from models.donors.receipt import Receipt
from models.families.question import HouseholdQuestion
from models.goods.exchange import GoodsRequest, Offer
from models.goods.review import AGAIN
from models.market.after_sales.after_sale import AfterSale
from models.market.campaigns.campaign import Campaign
from models.market.in_name import ORDERS_LEFT
from models.market.listing import Listing
from models.market.seller import Seller
from models.organisations.organisation import Organisation
from models.organisations.representative import Representative
from models.outreach.update import Update
from models.rights.erasure.paper import PaperErasure
from models.rights.name_change import NameChange
from models.rights.number_claim import NumberClaim
from models.staff.task import Task
from models.support.inquiry import STEP_IN, Inquiry
from models.verification.case import Verification


@dataclass(frozen=True, slots=True)
class Waits:
    """Which tasks a subject needs. ``steps``: state -> the steps of which one must be open.

    ``may_be_doubted``: states in which ``doubt`` or ``withdrawal`` may be open.
    ``may``: state -> the steps of which one may be open.
    ``once_verified``: states in which none must be open until a member of the household is verified, or the
    organisation is confirmed.
    ``not_suspended``: nor while a case of the household is suspended, on which the county decides first.
    ``of_sellers``: nor while the county has suspended the household as a seller, or nobody speaks for the organisation.
    """

    subject: str
    table: Any
    steps: Mapping[str, frozenset[str]]
    may_be_doubted: tuple[str, ...] = ()
    may: Mapping[str, frozenset[str]] = field(default_factory=dict)
    once_verified: tuple[str, ...] = ()
    not_suspended: bool = False
    of_sellers: bool = False


WAITING = (
    Waits(
        "case",
        Verification,
        {
            "registry_checked": frozenset({"visit"}),
            "adjudication": frozenset({"adjudicate"}),
            "township_review": frozenset({"township_review"}),
            "county_review": frozenset({"county_review"}),
            "suspended": frozenset({"suspended"}),
        },
        may_be_doubted=("verified",),
    ),
    Waits(
        "appeal",
        Appeal,
        {
            "submitted": frozenset({"endorse"}),
            "village_review": frozenset({"endorse"}),
            "endorsed": frozenset({"sample", "county"}),
            "county_review": frozenset({"file"}),
            "frozen": frozenset({"frozen"}),
        },
        may_be_doubted=LIVE,
        once_verified=("submitted",),
    ),
    Waits(
        "disbursement",
        Disbursement,
        {
            "evidenced": frozenset({"use_endorse"}),
            "endorsed": frozenset({"use_approve"}),
            "approved": frozenset({"use_authorise"}),
            "authorised": frozenset({"use_pay"}),
            "transferring": frozenset({"use_pay"}),
            "received_with_issues": frozenset({"use_doubt"}),
            "not_received": frozenset({"use_doubt"}),
        },
        may={"paid": frozenset({"use_call"}), "received": frozenset({"use_call", "use_acquit"})},
    ),
    # An issued receipt waits to be cancelled if its gift was refunded.
    Waits("receipt", Receipt, {"asked": frozenset({"receipt"})}, may={"issued": frozenset({"receipt_void"})}),
    Waits("revision", Revision, {"submitted": frozenset({"revision"})}),
    Waits("message", GiftMessage, {"submitted": frozenset({"message"}), "reported": frozenset({"message_report"})}),
    Waits("inquiry", Inquiry, {state: frozenset({step}) for state, step in STEP_IN.items()}),
    Waits("name_change", NameChange, {"submitted": frozenset({"name"})}),
    Waits("household", HouseholdQuestion, {"submitted": frozenset({"household"})}),
    Waits("number_claim", NumberClaim, dict.fromkeys(("submitted", "seen"), frozenset({"number_claim"}))),
    Waits(
        "organisation",
        Organisation,
        {"applied": frozenset({"organisation"}), "suspended": frozenset({"suspended"})},
        may={"confirmed": frozenset({"succession"}), "dissolved": frozenset({ORDERS_LEFT})},
    ),
    Waits("paper_erasure", PaperErasure, {"submitted": frozenset({"erasure_sheet"})}),
    Waits("offer", Offer, {"submitted": frozenset({"offer"})}),
    Waits(
        "request",
        GoodsRequest,
        {"submitted": frozenset({"request", AGAIN})},
        once_verified=("submitted",),
        not_suspended=True,
    ),
    Waits(
        "listing",
        Listing,
        {"submitted": frozenset({"listing", "listing_shop", "listing_price", AGAIN})},
        once_verified=("submitted",),
        not_suspended=True,
        of_sellers=True,
    ),
    Waits("campaign", Campaign, {"submitted": frozenset({"campaign"})}),
    Waits("after_sale", AfterSale, {"township": frozenset({"after_sale"})}),
    Waits("update", Update, {"submitted": frozenset({"update", "thanks"})}),
)


def check_tasks(connection: Connection, now: datetime) -> Iterator[Violation]:
    there = filled(connection, (waits.table for waits in WAITING))
    busy = set(connection.scalars(select(Task.subject).where(Task.closed_at.is_(None)).distinct()))
    for waits in WAITING:
        if waits.table.__tablename__ in there:
            yield from _missing(connection, waits, now)
        if waits.subject in busy:
            yield from _needless(connection, waits)
    yield from _twice(connection)


def _missing(connection: Connection, waits: Waits, now: datetime) -> Iterator[Violation]:
    thing = waits.table
    theirs = and_(Task.subject == waits.subject, Task.subject_id == thing.id, Task.closed_at.is_(None))
    statement = (
        select(thing.id, thing.state, Task.step)
        .outerjoin(Task, theirs)
        .where(thing.state.in_(waits.steps))
        .order_by(thing.id)
    )
    if waits.once_verified:
        theirs = (Verification.household_id == thing.household_id) & (Verification.state == "verified")
        verified = select(Verification.id).where(theirs, Verification.expires_at > now).exists()
        one = (Verification.household_id == thing.household_id) & (Verification.state == "suspended")
        suspended = select(Verification.id).where(one).exists()
        must = and_(verified, ~suspended) if waits.not_suspended else verified
        must = or_(must, _may_ask(thing, in_office=waits.of_sellers))
        if waits.of_sellers:
            theirs = (Seller.household_id == thing.household_id) & (Seller.state == "suspended")
            must = and_(must, ~select(Seller.id).where(theirs).exists())
        statement = statement.where(or_(thing.state.not_in(waits.once_verified), Task.id.is_not(None), must))
    for found in stream(connection, statement):
        if found.step not in waits.steps[found.state]:
            what = f"the task {found.step}" if found.step else "no task"
            yield Violation("task_missing", waits.subject, found.id, f"waits in {found.state}, but has {what} open")


def _may_ask(thing: Any, *, in_office: bool) -> ColumnElement[bool]:
    """Build the condition that a thing is of a confirmed organisation with a representative in office."""
    confirmed = (Organisation.household_id == thing.household_id) & (Organisation.state == "confirmed")
    found = select(Organisation.id).where(confirmed)
    if in_office:
        speaks = (Representative.organisation_id == Organisation.id) & (Representative.state == "in_office")
        found = found.where(select(Representative.id).where(speaks).exists())
    return found.exists()


def _needless(connection: Connection, waits: Waits) -> Iterator[Violation]:
    thing = waits.table
    statement = (
        select(Task.subject_id, Task.step, thing.state)
        .outerjoin(thing, thing.id == Task.subject_id)
        .where(Task.subject == waits.subject, Task.closed_at.is_(None))
        .order_by(Task.id)
    )
    for found in stream(connection, statement):
        doubted = found.step in ("doubt", "withdrawal") and found.state in waits.may_be_doubted
        doubted = doubted or found.step in waits.may.get(found.state, ())
        if found.state not in waits.steps and not doubted:
            stands = f"stands in {found.state}" if found.state else "is not there"
            words = f"has the task {found.step} open, but {stands}"
            yield Violation("task_needless", waits.subject, found.subject_id, words)


def _twice(connection: Connection) -> Iterator[Violation]:
    several = (
        select(Task.subject, Task.subject_id, func.count().label("count"))
        .where(Task.closed_at.is_(None))
        .group_by(Task.subject, Task.subject_id)
        .having(func.count() > 1)
    )
    for found in stream(connection, several):
        yield Violation("task_twice", found.subject, found.subject_id, f"has {found.count} tasks open")
