"""抽查: what villages passed and nobody above them has read since. Township and county look again at some of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import Session, aliased

from models.appeals.appeal import LIVE, Appeal
from models.appeals.review import demand_no_tie, get_locked
from models.core.calendar import CHINA
from models.core.encryption import keyring
from models.core.lot import draw as draw_lot
from models.core.refusal import Refusal
from models.core.state_machine import By
from models.staff.conflict_of_interest import tied_to
from models.staff.decision import DecidedBefore, Decision, decide, passed_by
from models.staff.member import Staff, same_people
from models.staff.queue import within
from models.staff.task import Matter, close_task, demand_region, find_task, open_task, take
from models.verification.case import Verification, get_case

LOOK_BACK = timedelta(days=30)
# What is drawn from at most, of each subject: those passed since an hour of the month that is drawn too, and round.
_MOST = 250
_LOOKED = ("sound", "doubt")


class SampledAlready(Refusal):
    """Somebody has looked at it again, or it is no longer what it was; ``state``: where it stands."""

    code = "sampled_already"


class LookedBefore(Refusal):
    """It has changed since this one looked at it: what was seen is not what would be found sound."""

    code = "looked_before"


def draw(db: Session, staff: Staff, now: datetime) -> tuple[str, int] | None:
    """One of them as ("appeal", 12); the same one all day until it is decided on, so that nobody can pick and choose.

    Who has not our keys cannot foresee which.
    """
    day = now.astimezone(CHINA).date().isoformat()

    def lot(found: tuple[str, int, int]) -> str:
        return keyring().lookup_hashes(f"{staff.id}:{day}:{found[0]}:{found[1]}", "sample")[0]

    back = timedelta(minutes=draw_lot(f"{staff.id}:{day}", "sample", LOOK_BACK // timedelta(minutes=1)))
    midnight = now.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
    for subject, number, household in sorted(_candidates(db, staff, now, midnight - back), key=lot):
        if staff.id not in tied_to(db, household):
            return subject, number
    return None


def find_sound(db: Session, staff: Staff, subject: str, number: int, now: datetime) -> None:
    """It is as the village said; where it had been doubted, it waits no longer.

    Raises OutsideRegion, HasAPart, DecidedBefore or SampledAlready; of a doubt NotYourTurn.
    """
    matter, round_, _ = _again(db, staff, subject, number, now)
    decide(db, matter, round_, staff, "sound", now)
    close_task(db, subject, number, now, staff)


def find_doubtful(db: Session, staff: Staff, subject: str, number: int, reasons: Sequence[str], now: datetime) -> None:
    """The county is to decide whether it stops. Raises as ``find_sound``."""
    matter, round_, doubted = _again(db, staff, subject, number, now)
    decide(db, matter, round_, staff, "doubt", now, reasons)
    if not doubted:
        open_task(db, matter, "doubt", now)


def _again(db: Session, staff: Staff, subject: str, number: int, now: datetime) -> tuple[Matter, int, bool]:
    """What it is, its round, and whether it waits for the county because of a doubt."""
    thing = get_case(db, number) if subject == "case" else get_locked(db, number)
    matter = thing.matter
    demand_region(db, staff, matter)
    demand_no_tie(db, staff, matter)
    task = find_task(db, subject, number)
    if task and task.step == "doubt":
        take(db, staff, matter, thing.state)
        return matter, thing.round, True
    if staff.id in passed_by(db, matter, thing.round):
        raise DecidedBefore(number=number, subject=subject)
    stands = thing.state == "verified" if isinstance(thing, Verification) else thing.state in LIVE
    said = (Decision.subject == subject) & (Decision.subject_id == number) & (Decision.round == thing.round)
    looked = db.scalar(select(Decision.id).where(said, Decision.verdict.in_(_LOOKED)).limit(1))
    if looked or not stands:
        raise SampledAlready(subject=subject, number=number, state=thing.state)
    return matter, thing.round, False


def _candidates(db: Session, staff: Staff, now: datetime, start: datetime) -> list[tuple[str, int, int]]:
    """(subject, number, household) of what this one may look at again: from ``start`` on, and then from before it."""
    appeals = select(Decision.subject_id, Appeal.household_id).join(Appeal, Appeal.id == Decision.subject_id)
    appeals = appeals.where(Appeal.state.in_(LIVE), Decision.round == Appeal.round)
    cases = select(Decision.subject_id, Verification.household_id)
    cases = cases.join(Verification, Verification.id == Decision.subject_id)
    cases = cases.where(
        Verification.state == "verified", Verification.expires_at > now, Decision.round == Verification.round
    )
    # The county has the last word on every case, on the strength of what it was told.
    above = {"appeal": (By.TOWNSHIP, By.COUNTY), "case": (By.TOWNSHIP,)}
    found = []
    seats = same_people(db, [staff.id])
    for subject, query in (("appeal", appeals), ("case", cases)):
        passed = _passed_below(query, staff, seats, subject, above[subject], now)
        rows = list(db.execute(passed.where(Decision.at >= start).limit(_MOST)))
        if len(rows) < _MOST:
            rows += db.execute(passed.where(Decision.at < start).limit(_MOST - len(rows)))
        found += [(subject, row.subject_id, row.household_id) for row in rows]
    return found


def _passed_below(
    query: Select[int, int], staff: Staff, seats: set[int], subject: str, above: Sequence[str], now: datetime
) -> Select[int, int]:
    other = aliased(Decision)
    same = (other.subject == subject) & (other.subject_id == Decision.subject_id) & (other.round == Decision.round)
    own = other.staff_id.in_(seats)
    looked: ColumnElement[bool] = or_(other.role.in_(above), other.verdict.in_(_LOOKED), own)
    return (
        query.where(Decision.subject == subject, Decision.verdict == "pass", Decision.role == By.VILLAGE)
        .where(Decision.at > now - LOOK_BACK, within(staff, Decision.region_code))
        .where(~exists().where(same, looked))
        .order_by(Decision.at, Decision.id)
    )
