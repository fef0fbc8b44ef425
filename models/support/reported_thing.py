"""Find what is reported, whose it is, and the staff who are concerned in it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.refusal import Refusal
from models.core.state_machine import By
from models.outreach.update import Update
from models.people.user import User
from models.public.catalogue import APPEALS, MARKET, OFFERS, REQUESTS, Catalogue
from models.staff.conflict_of_interest import conflicts_with
from models.staff.decision import Decision
from models.staff.member import Staff, all_seats_of, seats_of_users
from models.support.concerned import STOPPED, concerned_in
from models.verification.case import Verification

_ITEMS: dict[str, Catalogue[Any]] = {"offer": OFFERS, "request": REQUESTS, "listing": MARKET}
_CATALOGUES: dict[str, Catalogue[Any]] = {"appeal": APPEALS, **_ITEMS}
# The reason for which an officer has no part in an inquiry.
CONCERNED = "concerned"


class NothingToReport(Refusal):
    """There is nothing of this number that the person can see."""

    code = "nothing_to_report"
    final = True


@dataclass(frozen=True, slots=True)
class ReportedThing:
    """A thing as it is reported: ``about`` (models.support.inquiry.REPORTABLE) and its ``number``.

    ``name``: its public name, or an officer's work number; empty where it has none. ``owner_id``: the user whose it
    is. ``appeal_id``: the appeal whose payouts a report may hold. ``ill``: it is about an illness.
    """

    about: str
    number: int
    name: str
    region_code: str
    household_id: int | None
    owner_id: int | None = None
    appeal_id: int | None = None
    ill: bool = False


def get_thing(db: Session, about: str, number: int, viewer: int | None) -> ReportedThing:
    """Get what the person reports. Raises NothingToReport, also for what is not public and not the viewer's own."""
    thing = _find(db, about, number)
    if thing is None or not _is_seen(db, thing, viewer):
        raise NothingToReport(about=about, number=number)
    return thing


def thing_now(db: Session, about: str, number: int) -> ReportedThing:
    """Return what an inquiry is about, in whatever state it is by now."""
    thing = _find(db, about, number)
    if thing is None:
        raise LookupError(f"an inquiry is about {about} {number}, which is not there")
    return thing


def concerned_with(db: Session, thing: ReportedThing) -> set[int]:
    """Return each seat of those whom an inquiry into the thing concerns: they may have no part in it.

    These are who decided on it or wrote it by mandate, who has a conflict of interest with its household, its owner's
    own seats, and whom any of these invited: they depend on them.
    """
    seats = set(concerned_in(db, f"report:{thing.about}:{thing.number}"))
    if thing.about == "update" and thing.appeal_id:
        seats |= concerned_in(db, f"report:appeal:{thing.appeal_id}")
    decided = (Decision.subject == thing.about) & (Decision.subject_id == thing.number) & (Decision.verdict != STOPPED)
    seats |= all_seats_of(db, db.scalars(select(Decision.staff_id).where(decided)))
    seats |= conflicts_with(db, thing.household_id).keys()
    if thing.owner_id:
        seats |= seats_of_users(db, [thing.owner_id])
    seats |= all_seats_of(db, db.scalars(select(Staff.id).where(Staff.invited_by.in_(seats))))
    return seats


def county_is_concerned(db: Session, thing: ReportedThing) -> bool:
    """Tell whether somebody of the township or above took part in it, so that only the county is above them."""
    decided = (Decision.subject == thing.about) & (Decision.subject_id == thing.number)
    roles = select(Staff.role).join(Decision, Decision.staff_id == Staff.id).where(decided, Staff.role != By.VILLAGE)
    if db.scalar(roles.limit(1)):
        return True
    if thing.about == "staff":
        return db.get_one(Staff, thing.number).role != By.VILLAGE
    parts = concerned_in(db, f"report:appeal:{thing.appeal_id}") if thing.appeal_id else set()
    above = select(Staff.id).where(Staff.id.in_(parts), Staff.role != By.VILLAGE)
    return db.scalar(above.limit(1)) is not None


def _find(db: Session, about: str, number: int) -> ReportedThing | None:
    if about in _ITEMS:
        card = _ITEMS[about].card(db, number)
        household = db.scalar(select(User.household_id).where(User.id == card.owner_id)) if card else None
        return ReportedThing(about, number, card.name, card.region_code, household, card.owner_id) if card else None
    found = db.get(_TABLES[about], number)
    return _MADE[about](db, found) if found else None


def _is_seen(db: Session, thing: ReportedThing, viewer: int | None) -> bool:
    if thing.about in _CATALOGUES:
        return _CATALOGUES[thing.about].find(db, thing.number, viewer) is not None
    return thing.about != "update" or db.get_one(Update, thing.number).state == "published"


def _of_appeal(appeal: Appeal, about: str, number: int) -> ReportedThing:
    facts = (appeal.title, appeal.region_code, appeal.household_id, appeal.owner_id, appeal.id)
    return ReportedThing(about, number, *facts, appeal.category == "medical")


def _case(_db: Session, case: Verification) -> ReportedThing:
    return ReportedThing("case", case.id, "", case.region_code, case.household_id, case.user_id)


def _member(_db: Session, member: Staff) -> ReportedThing:
    return ReportedThing("staff", member.id, member.work_no, member.region_code, member.household_id)


_TABLES: dict[str, Any] = {"appeal": Appeal, "update": Update, "case": Verification, "staff": Staff}
_MADE: dict[str, Callable[[Session, Any], ReportedThing]] = {
    "appeal": lambda _db, appeal: _of_appeal(appeal, "appeal", appeal.id),
    "update": lambda db, update: _of_appeal(db.get_one(Appeal, update.appeal_id), "update", update.id),
    "case": _case,
    "staff": _member,
}
