"""What becomes of a household's appeals when the county decides on its case (models.verification.decisions).

The caller holds the case: cases are locked before appeals, and appeals from the lowest number up (hold_cases).
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import LIVE, MACHINE, REVIEWED, Appeal, freeze
from models.appeals.review import tell_owner
from models.core.state_machine import SYSTEM
from models.staff.task import close_task, find_task
from models.verification.eligibility import open_endorsement


def open_waiting(db: Session, household_id: int, now: datetime) -> None:
    """The household is verified: what it has handed in until now comes to an officer."""
    theirs = (Appeal.household_id == household_id) & (Appeal.state == "submitted")
    for appeal in db.scalars(select(Appeal).where(theirs).order_by(Appeal.id).with_for_update()):
        if find_task(db, "appeal", appeal.id) is None:
            open_endorsement(db, appeal.matter, now)


def freeze_live(db: Session, household_id: int, now: datetime) -> list[int]:
    """The household is suspended: what takes or has taken money stops. Returns the numbers."""
    theirs = (Appeal.household_id == household_id) & Appeal.state.in_(LIVE)
    frozen = []
    for appeal in db.scalars(select(Appeal).where(theirs).order_by(Appeal.id).with_for_update()):
        freeze(db, appeal, SYSTEM, now, "household_suspended")
        frozen.append(appeal.id)
    return frozen


def cancel_reviewed(db: Session, household_id: int, state: str, now: datetime) -> None:
    """The household was turned down (``state`` of its case): what it has in review ends, and its owner is told."""
    theirs = (Appeal.household_id == household_id) & Appeal.state.in_(REVIEWED)
    for appeal in db.scalars(select(Appeal).where(theirs).order_by(Appeal.id).with_for_update()):
        MACHINE.move(db, appeal, "cancelled", SYSTEM, now, f"household_{state}")
        close_task(db, "appeal", appeal.id, now)
        tell_owner(db, appeal, now, ("not_verified",))
    db.flush()


def frozen_ones(db: Session, household_id: int) -> list[int]:
    """The numbers of those that the county has yet to decide on, one by one."""
    theirs = (Appeal.household_id == household_id) & (Appeal.state == "frozen")
    return list(db.scalars(select(Appeal.id).where(theirs).order_by(Appeal.id)))
