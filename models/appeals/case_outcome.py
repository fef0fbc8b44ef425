"""Move a household's appeals when the county decides on its case (called by models.verification.decisions).

The caller holds the case: cases are locked before appeals, and appeals from the lowest number up (lock_cases).
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import LIVE, MACHINE, Appeal, freeze, is_under_review
from models.appeals.review import notify_owner
from models.core.state_machine import SYSTEM
from models.staff.task import close_task, find_task
from models.verification.eligibility import open_endorsement


def open_endorsements(db: Session, household_id: int, now: datetime) -> None:
    """Open the endorsement tasks of a verified household's submitted appeals. Locks the appeals."""
    theirs = (Appeal.household_id == household_id) & (Appeal.state == "submitted")
    for appeal in db.scalars(select(Appeal).where(theirs).order_by(Appeal.id).with_for_update()):
        if find_task(db, "appeal", appeal.id) is None:
            open_endorsement(db, appeal.matter, now)


def freeze_live_appeals(db: Session, household_id: int, now: datetime) -> list[int]:
    """Freeze a suspended household's live appeals. Locks them and returns their numbers."""
    theirs = (Appeal.household_id == household_id) & Appeal.state.in_(LIVE)
    frozen = []
    for appeal in db.scalars(select(Appeal).where(theirs).order_by(Appeal.id).with_for_update()):
        freeze(db, appeal, SYSTEM, now, "household_suspended")
        frozen.append(appeal.id)
    return frozen


def cancel_appeals_in_review(db: Session, household_id: int, state: str, now: datetime) -> None:
    """Cancel a household's appeals under review and notify their owners. ``state``: the case's, rejected or revoked."""
    theirs = (Appeal.household_id == household_id) & is_under_review()
    for appeal in db.scalars(select(Appeal).where(theirs).order_by(Appeal.id).with_for_update()):
        MACHINE.move(db, appeal, "cancelled", SYSTEM, now, f"household_{state}")
        close_task(db, "appeal", appeal.id, now)
        notify_owner(db, appeal, now, ("not_verified",))
    db.flush()


def frozen_appeals(db: Session, household_id: int) -> list[int]:
    """List the numbers of a household's frozen appeals; the county decides on each."""
    theirs = (Appeal.household_id == household_id) & (Appeal.state == "frozen")
    return list(db.scalars(select(Appeal.id).where(theirs).order_by(Appeal.id)))
