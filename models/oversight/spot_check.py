"""抽查: let township and county spot-check what a village passed and no one above it has read since."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import Session, aliased

from models.appeals.appeal import LIVE, Appeal, lock_appeal
from models.core.calendar import CHINA
from models.core.encryption import keyring
from models.core.hooks import Hook
from models.core.lottery import draw as draw_lot
from models.core.refusal import Refusal
from models.core.state_machine import By
from models.staff.conflict_of_interest import conflicts_with
from models.staff.decision import DecidedBefore, Decision, decide, passed_by
from models.staff.member import Staff, all_seats_of, covered_by
from models.staff.task import Matter, close_task, find_task, open_task
from models.staff.turn import demand_no_conflict, demand_region, demand_task
from models.verification.case import Verification, lock_case

LOOK_BACK = timedelta(days=30)
# At most so many of each subject enter the draw, from a random minute of LOOK_BACK on, then from its beginning.
_MOST = 250
_CHECKED = ("sound", "doubt")
# The county decides on these, whoever passed the thing: on a doubt, and on a consent that somebody withdraws.
_FOR_COUNTY = ("doubt", "withdrawal")

# Arguments: the appeal's number. Called when a doubt of an appeal has ended as sound: what kept the county from other
# tasks about it is over. The caller holds the appeal.
on_cleared: Hook[[Session, int, datetime], None] = Hook("oversight.spot_check.on_cleared")


class SpotCheckedAlready(Refusal):
    """It has been spot-checked already, or it is no longer verified or live; ``state``: its present state."""

    code = "spot_checked_already"


class ChangedSinceRead(Refusal):
    """It has changed since this officer opened it, so it cannot be found sound unread."""

    code = "changed_since_read"


def draw(db: Session, staff: Staff, now: datetime) -> tuple[str, int] | None:
    """Draw one as ("appeal", 12), or None; the same one all day until it is decided on, so that officers cannot choose.

    Without our keys the draw cannot be foreseen.
    """
    day = now.astimezone(CHINA).date().isoformat()

    def lot(found: tuple[str, int, int]) -> str:
        return keyring().lookup_hashes(f"{staff.id}:{day}:{found[0]}:{found[1]}", "sample")[0]

    back = timedelta(minutes=draw_lot(f"{staff.id}:{day}", "sample", LOOK_BACK // timedelta(minutes=1)))
    midnight = now.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
    for subject, number, household in sorted(_candidates(db, staff, now, midnight - back), key=lot):
        if staff.id not in conflicts_with(db, household):
            return subject, number
    return None


def record_sound(db: Session, staff: Staff, subject: str, number: int, now: datetime) -> None:
    """Record that the village was right, and close the task if a doubt had opened one. Locks the appeal or case.

    Raises OutsideRegion, HasConflict, DecidedBefore or SpotCheckedAlready; NotYourTurn where a doubt waits for another.
    """
    matter, round_, _ = _lock_checkable(db, staff, subject, number, now)
    task = find_task(db, subject, number)
    # That the owner means to withdraw says nothing of what the village passed: it is still to be spot-checked.
    if task is None or task.step != "withdrawal":
        decide(db, matter, round_, staff, "sound", now)
    close_task(db, subject, number, now, staff)
    if task and (subject, task.step) == ("appeal", "doubt"):
        on_cleared(db, number, now)


def record_doubt(db: Session, staff: Staff, subject: str, number: int, reasons: Sequence[str], now: datetime) -> None:
    """Record a doubt, and open a task for the county to decide whether to stop it. Raises as ``record_sound``."""
    matter, round_, doubted = _lock_checkable(db, staff, subject, number, now)
    decide(db, matter, round_, staff, "doubt", now, reasons)
    if not doubted:
        open_task(db, matter, "doubt", now)


def _lock_checkable(db: Session, staff: Staff, subject: str, number: int, now: datetime) -> tuple[Matter, int, bool]:
    """Lock it and check that it may be spot-checked; return its matter, its round, and whether a doubt is open."""
    thing = lock_case(db, number) if subject == "case" else lock_appeal(db, number)
    matter = thing.matter
    demand_region(db, staff, matter)
    demand_no_conflict(db, staff, matter)
    task = find_task(db, subject, number)
    if task and task.step in _FOR_COUNTY:
        demand_task(db, staff, matter, thing.state)
        return matter, thing.round, True
    if staff.id in passed_by(db, matter, thing.round):
        raise DecidedBefore(number=number, subject=subject)
    in_force = thing.state == "verified" if isinstance(thing, Verification) else thing.state in LIVE
    said = (Decision.subject == subject) & (Decision.subject_id == number) & (Decision.round == thing.round)
    checked = db.scalar(select(Decision.id).where(said, Decision.verdict.in_(_CHECKED)).limit(1))
    if checked or not in_force:
        raise SpotCheckedAlready(subject=subject, number=number, state=thing.state)
    return matter, thing.round, False


def _candidates(db: Session, staff: Staff, now: datetime, start: datetime) -> list[tuple[str, int, int]]:
    """List (subject, number, household) that the officer may spot-check: passed since ``start``, then those before."""
    appeals = select(Decision.subject_id, Appeal.household_id).join(Appeal, Appeal.id == Decision.subject_id)
    appeals = appeals.where(Appeal.state.in_(LIVE), Decision.round == Appeal.round)
    cases = select(Decision.subject_id, Verification.household_id)
    cases = cases.join(Verification, Verification.id == Decision.subject_id)
    cases = cases.where(
        Verification.state == "verified", Verification.expires_at > now, Decision.round == Verification.round
    )
    # The county decides every case by the file, so only a township's reading counts as a check of a case.
    above = {"appeal": (By.TOWNSHIP, By.COUNTY), "case": (By.TOWNSHIP,)}
    found = []
    seats = all_seats_of(db, [staff.id])
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
    checked: ColumnElement[bool] = or_(other.role.in_(above), other.verdict.in_(_CHECKED), own)
    return (
        query.where(Decision.subject == subject, Decision.verdict == "pass", Decision.role == By.VILLAGE)
        .where(Decision.at > now - LOOK_BACK, covered_by(staff, Decision.region_code))
        .where(~exists().where(same, checked))
        .order_by(Decision.at, Decision.id)
    )
