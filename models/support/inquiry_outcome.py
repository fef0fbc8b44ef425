"""What the county may do about a reported thing that a report was right about, as far as its state machine allows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.appeals import review
from models.appeals.appeal import MACHINE as APPEALS
from models.appeals.appeal import Appeal
from models.core.state_machine import Machine
from models.goods.exchange import OFFER_MACHINE, REQUEST_MACHINE, GoodsRequest, Offer
from models.goods.matches import leaving
from models.goods.review import KINDS as GOODS
from models.market.listing import MACHINE as LISTINGS
from models.market.listing import Listing
from models.notifications.notify import notify_user
from models.outreach.update import MACHINE as UPDATES
from models.outreach.update import Update
from models.staff.decision import decide
from models.staff.directory import is_below, seat_state
from models.staff.member import Staff
from models.staff.suspension import suspend as suspend_seat
from models.staff.task import Matter, close_task
from models.support.inquiry import Inquiry
from models.verification.case import MACHINE as CASES
from models.verification.case import Verification, lock_case
from models.verification.decisions import suspend as suspend_case

# The reasons under which the reported learns of it; the report's own words and kinds would tell who reported.
_BY_REPORT, _MISCONDUCT = "complaint", "misconduct"


@dataclass(frozen=True, slots=True)
class _TakenDown:
    """How a public item is taken down: its table, machine and the state that hides it."""

    table: Any
    machine: Machine
    state: str
    owner: str = ""


_ITEMS = {
    "update": _TakenDown(Update, UPDATES, "withdrawn"),
    "offer": _TakenDown(Offer, OFFER_MACHINE, "withdrawn", "donor_id"),
    "request": _TakenDown(GoodsRequest, REQUEST_MACHINE, "withdrawn", "owner_id"),
    "listing": _TakenDown(Listing, LISTINGS, "suspended", "seller_id"),
}


def outcomes(db: Session, staff: Staff, inquiry: Inquiry, now: datetime) -> list[str]:
    """List what this officer of the county may do with the thing as it is now; ``noted`` is always possible."""
    return [name for name, outcome in _OUTCOMES.items() if outcome.possible(db, staff, inquiry, now)] + ["noted"]


def carry_out(db: Session, staff: Staff, inquiry: Inquiry, outcome: str, now: datetime) -> None:
    """Do what was chosen. Locks the thing. Raises what its own room does where it has changed meanwhile."""
    if outcome != "noted":
        _OUTCOMES[outcome].do(db, staff, inquiry, now)


@dataclass(frozen=True, slots=True)
class _Outcome:
    possible: Callable[[Session, Staff, Inquiry, datetime], bool]
    do: Callable[[Session, Staff, Inquiry, datetime], object]


def _may_move(table: Any, machine: Machine, about: str, state: str) -> Callable[..., bool]:
    def possible(db: Session, staff: Staff, inquiry: Inquiry, _now: datetime) -> bool:
        thing = db.get(table, inquiry.about_id) if inquiry.about == about else None
        return thing is not None and staff.actor.by in machine.moves.get((thing.state, state), ())

    return possible


def _freezes(db: Session, staff: Staff, inquiry: Inquiry, _now: datetime) -> bool:
    """Tell whether the appeal can be frozen: the reported one, or that of the reported update."""
    appeal = db.get(Appeal, inquiry.appeal_id) if inquiry.appeal_id else None
    return appeal is not None and staff.actor.by in APPEALS.moves.get((appeal.state, "frozen"), ())


def _freeze(db: Session, staff: Staff, inquiry: Inquiry, now: datetime) -> None:
    assert inquiry.appeal_id is not None  # noqa: S101 - outcomes() offers it for appeals alone
    review.freeze_reported(db, staff, inquiry.appeal_id, _BY_REPORT, now)


def _take_down_is_possible(db: Session, staff: Staff, inquiry: Inquiry, now: datetime) -> bool:
    item = _ITEMS.get(inquiry.about)
    return item is not None and _may_move(item.table, item.machine, inquiry.about, item.state)(db, staff, inquiry, now)


def _take_down(db: Session, staff: Staff, inquiry: Inquiry, now: datetime) -> None:
    item = _ITEMS[inquiry.about]
    leaving.lock_first(db, inquiry.about, inquiry.about_id)
    thing = db.get_one(item.table, inquiry.about_id, with_for_update=True, populate_existing=True)
    if inquiry.about in GOODS:  # as an officer's taking down does, it tells that its donor is no known giver
        matter = Matter(inquiry.about, thing.id, inquiry.region_code, inquiry.household_id)
        decide(db, matter, thing.round, staff, "freeze", now, (_BY_REPORT,))
    item.machine.move(db, thing, item.state, staff.actor, now, _BY_REPORT)
    leaving.follow(db, inquiry.about, thing.id, item.state, now, by_owner=False)
    close_task(db, inquiry.about, thing.id, now)  # a look at it, if one was still to come
    owner = getattr(thing, item.owner) if item.owner else db.get_one(Appeal, thing.appeal_id).owner_id
    facts = {"about": inquiry.about, "number": inquiry.about_id}
    notify_user(db, owner, "taken_down", facts, f"taken_down:{inquiry.id}", now, (inquiry.about, inquiry.about_id))


def _suspends_seat(db: Session, staff: Staff, inquiry: Inquiry, now: datetime) -> bool:
    member = db.get(Staff, inquiry.about_id) if inquiry.about == "staff" else None
    if member is None or seat_state(member, now) != "active":
        return False
    return is_below(staff.role, member.role) and staff.covers(member.region_code)


def _suspend_seat(db: Session, staff: Staff, inquiry: Inquiry, now: datetime) -> None:
    suspend_seat(db, staff, db.get_one(Staff, inquiry.about_id).work_no, _MISCONDUCT, now)


def _suspend_case(db: Session, staff: Staff, inquiry: Inquiry, now: datetime) -> None:
    suspend_case(db, lock_case(db, inquiry.about_id), staff, _BY_REPORT, now)


_OUTCOMES = {
    "frozen": _Outcome(_freezes, _freeze),
    "taken_down": _Outcome(_take_down_is_possible, _take_down),
    "case_suspended": _Outcome(_may_move(Verification, CASES, "case", "suspended"), _suspend_case),
    "seat_suspended": _Outcome(_suspends_seat, _suspend_seat),
}
# What follows where reports were right, by name; nothing does with ``noted``.
UPHELD = (*_OUTCOMES, "noted")
