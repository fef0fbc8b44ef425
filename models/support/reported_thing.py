"""Find what is reported, whose it is, and the staff who are concerned in it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, union_all
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.refusal import Refusal
from models.core.state_machine import By
from models.outreach.update import Update
from models.people.user import User
from models.public.catalogue import APPEALS, MARKET, OFFERS, REQUESTS, Catalogue
from models.staff.conflict_of_interest import ties_with
from models.staff.decision import Decision
from models.staff.member import Staff, seats_by_wechat
from models.support.concerned import concerned_in, deciders, with_invited
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
    parts = deciders(thing.about, thing.number)
    if thing.about == "update" and thing.appeal_id:
        parts += deciders("appeal", thing.appeal_id)
    if thing.owner_id:
        parts.append(seats_by_wechat([thing.owner_id]))
    seats = {*db.scalars(union_all(*parts)), *ties_with(db, thing.household_id)}
    # Whom an officer invited depends on them, and so does whom that one invited.
    return with_invited(db, with_invited(db, [thing.number]) | seats if thing.about == "staff" else seats)


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
