"""Keep a report or a complaint from the officers whom it is about, and find a county that may answer it.

``concerned_in`` says whom a ticket is kept from, ``kept_from`` says the same of one reader; both have to agree.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Select, select, union_all
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.state_machine import By
from models.disbursements.disbursement import Disbursement
from models.places.region import county_of
from models.proxy.mandate import Mandate, ProxyAct
from models.staff.conflict_of_interest import households_against, ties_with
from models.staff.decision import Decision
from models.staff.member import Staff, all_seats_of, seats_covering, serving
from models.support.introduction import DECISIONS
from models.verification.case import Verification

# Verdicts that a household may complain about.
REFUSALS = ("reject", "freeze", "revoke")
# Who stopped a thing, perhaps because of its report, has no part in what is reported.
STOPPED = "freeze"

Number = int | ColumnElement[int]
_TABLES: dict[str, type[Appeal] | type[Verification]] = {"appeal": Appeal, "case": Verification}


def deciders(subject: str, number: Number) -> list[Select[int]]:
    """Select who decided on a thing that is reported: the ids of staff, in one query for each sort of decision.

    Who reports an appeal (6号是假的) also speaks of those who wrote it by mandate, verified the household and passed
    what was paid out.
    """
    own = _decided(subject).where(Decision.subject_id == number, Decision.verdict != STOPPED)
    if subject != "appeal":
        return [own]
    household = select(Appeal.household_id).where(Appeal.id == number).correlate_except(Appeal).scalar_subquery()
    cases = select(Verification.id).where(Verification.household_id == household).correlate_except(Verification)
    uses = select(Disbursement.id).where(Disbursement.appeal_id == number).correlate_except(Disbursement)
    wrote = select(Mandate.staff_id).join(ProxyAct, ProxyAct.mandate_id == Mandate.id)
    return [
        own,
        wrote.where(ProxyAct.subject == "appeal", ProxyAct.subject_id == number).correlate_except(Mandate, ProxyAct),
        _decided("case").where(Decision.subject_id.in_(cases), Decision.verdict != STOPPED),
        _decided("disbursement").where(Decision.subject_id.in_(uses)),
    ]


def refusers(subject: str, number: Number) -> list[Select[int]]:
    """Select who turned the household down, which it complains about (申诉)."""
    return [_decided(subject).where(Decision.subject_id == number, Decision.verdict.in_(REFUSALS))]


def concerned_in(db: Session, about: str | None) -> set[int]:
    """Return every seat of those who may not answer a ticket about this.

    These are who decided on what is reported or contested, and who has a conflict of interest with its household; of a
    report of an officer, the officer and whom they invited, who depend on them.
    """
    kind, _, rest = (about or "").partition(":")
    subject, _, number = rest.partition(":") if kind == "report" else (kind, "", rest)
    if subject == "staff":
        return with_invited(db, [int(number)])
    if subject not in DECISIONS:
        return set()
    parts = (deciders if kind == "report" else refusers)(subject, int(number))
    household = db.scalar(select(_TABLES[subject].household_id).where(_TABLES[subject].id == int(number)))
    return all_seats_of(db, {*db.scalars(union_all(*parts)), *ties_with(db, household)})


def with_invited(db: Session, seats: Iterable[int]) -> set[int]:
    """Return every seat of the persons of these seats, and of whom they invited, who depend on them."""
    every = all_seats_of(db, seats)
    return every | all_seats_of(db, db.scalars(select(Staff.id).where(Staff.invited_by.in_(every))))


def kept_from(db: Session, seats: Collection[int]) -> list[str]:
    """List what tickets are about that the person of these seats may not answer, beside what they decided on."""
    inviters = select(Staff.invited_by).where(Staff.id.in_(seats), Staff.invited_by.is_not(None))
    above = {each for each in db.scalars(inviters) if each is not None}
    topics = [f"report:staff:{each}" for each in all_seats_of(db, {*seats, *above})]
    households = households_against(db, seats)
    for subject, table in _TABLES.items() if households else ():
        for number in db.scalars(select(table.id).where(table.household_id.in_(households))):
            topics += [f"{subject}:{number}", f"report:{subject}:{number}"]
    return topics


def county_to_answer(db: Session, region_code: str | None, concerned: Collection[int], now: datetime) -> str | None:
    """Return the county of the region; None where it is not known, or has no officer but those concerned.

    A ticket without a region is for all counties' officers.
    """
    if region_code is None:
        return None
    county = county_of(region_code)
    there = (Staff.role == By.COUNTY) & seats_covering(county, By.COUNTY)
    seats = set(db.scalars(select(Staff.id).where(there, serving(now))))
    return county if seats - set(concerned) else None


def _decided(subject: str) -> Select[int]:
    # ``number`` may be a column of the statement in which this stands.
    return select(Decision.staff_id).where(Decision.subject == subject).correlate_except(Decision)
