"""An organisation's appeals pass to whoever comes to speak for it, and end with it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import IN_REVIEW, MACHINE, OPEN, Appeal
from models.appeals.review import notify_owner
from models.core.audit_trail import record
from models.core.state_machine import SYSTEM
from models.organisations.organisation import Organisation
from models.staff.task import close_task

OWNER_CHANGED = "owner_changed"


def pass_on(db: Session, organisation: Organisation, user_id: int, now: datetime) -> None:
    """Give the organisation's open appeals to who speaks for it now. The caller holds the organisation."""
    for appeal in _of(db, organisation.household_id, OPEN):
        if appeal.owner_id != user_id:
            what = f"user:{appeal.owner_id} to user:{user_id}"
            appeal.owner_id = user_id
            record(
                db, at=now, actor="system", action=OWNER_CHANGED, subject="appeal", subject_id=appeal.id, detail=what
            )
    db.flush()


def end_all(db: Session, household_id: int, now: datetime) -> None:
    """Cancel what a dissolved organisation asks for and donors have not given to; the county decides on the rest.

    What collected was frozen when the organisation was suspended, and stands before the county.
    """
    for appeal in _of(db, household_id, IN_REVIEW):
        MACHINE.move(db, appeal, "cancelled", SYSTEM, now, "organisation_dissolved")
        close_task(db, "appeal", appeal.id, now)
        notify_owner(db, appeal, now, ("not_verified",))
    db.flush()


def _of(db: Session, household_id: int, states: Sequence[str]) -> Sequence[Appeal]:
    """Lock and return the household's appeals in these states, from the lowest number up."""
    theirs = (Appeal.household_id == household_id) & Appeal.state.in_(states)
    return db.scalars(select(Appeal).where(theirs).order_by(Appeal.id).with_for_update()).all()
