"""Keep a report or a complaint from the officers whom it is about, and find a county that may answer it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.state_machine import By
from models.disbursements.disbursement import Disbursement
from models.places.region import county_of
from models.staff.decision import Decision
from models.staff.member import Staff, all_seats_of, seats_covering, serving
from models.support.introduction import DECISIONS
from models.verification.case import Verification

# Verdicts that a household may complain about.
REFUSALS = ("reject", "freeze", "revoke")

Number = int | ColumnElement[int]


def deciders(subject: str, number: Number) -> list[Select[int]]:
    """Select who decided on a thing that is reported: the ids of staff, in one query for each sort of decision.

    Who reports an appeal (6号是假的) also speaks of those who verified the household and passed what was paid out.
    """
    own = _decided(subject).where(Decision.subject_id == number)
    if subject != "appeal":
        return [own]
    household = select(Appeal.household_id).where(Appeal.id == number).correlate_except(Appeal).scalar_subquery()
    cases = select(Verification.id).where(Verification.household_id == household).correlate_except(Verification)
    uses = select(Disbursement.id).where(Disbursement.appeal_id == number).correlate_except(Disbursement)
    return [
        own,
        _decided("case").where(Decision.subject_id.in_(cases)),
        _decided("disbursement").where(Decision.subject_id.in_(uses)),
    ]


def refusers(subject: str, number: Number) -> list[Select[int]]:
    """Select who turned the household down, which it complains about (申诉)."""
    return [_decided(subject).where(Decision.subject_id == number, Decision.verdict.in_(REFUSALS))]


def concerned_in(about: str | None) -> list[Select[int]]:
    """Select who may not answer a ticket about this: who decided on what is reported, or made what is contested."""
    kind, _, rest = (about or "").partition(":")
    if kind == "report":
        subject, _, number = rest.partition(":")
        return deciders(subject, int(number)) if number else []
    return refusers(kind, int(rest)) if kind in DECISIONS else []


def county_to_answer(
    db: Session, region_code: str | None, concerned: Sequence[Select[int]], now: datetime
) -> str | None:
    """Return the county of the region; None where it is not known, or has no officer but those concerned.

    A ticket without a region is for all counties' officers.
    """
    if region_code is None:
        return None
    county = county_of(region_code)
    there = (Staff.role == By.COUNTY) & seats_covering(county, By.COUNTY)
    seats = set(db.scalars(select(Staff.id).where(there, serving(now))))
    barred = all_seats_of(db, {each for part in concerned for each in db.scalars(part)})
    return county if seats - barred else None


def _decided(subject: str) -> Select[int]:
    # ``number`` may be a column of the statement in which this stands.
    return select(Decision.staff_id).where(Decision.subject == subject).correlate_except(Decision)
