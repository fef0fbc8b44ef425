"""Move a household's requests and listings when the county decides on its case (models.verification.decisions).

The caller holds the case: cases are locked before requests and listings, and these from the lowest number up.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.state_machine import SYSTEM
from models.goods.matches import leaving
from models.goods.review import REVIEWED, Reviewed, notify_owner, open_review
from models.staff.task import close_task, find_task


def open_reviews(db: Session, household_id: int, now: datetime) -> None:
    """Open the review tasks of what a verified household has submitted."""
    for kind, thing in _held(db, household_id, lambda _kind: ("submitted",)):
        if find_task(db, kind.subject.name, thing.id) is None:
            open_review(db, kind, thing, now)


def hide(db: Session, household_id: int, now: datetime, why: str = "household_suspended") -> None:
    """Return a household's things to ``submitted``, hidden, and without a task until it is verified again.

    ``why``: ``household_suspended``; ``household_lapsed`` where nobody of it is verified any more.
    """
    leaving.lock_offers_first(db, household_id)
    for kind, thing in _held(db, household_id, lambda kind: ("submitted", *kind.public_states)):
        close_task(db, kind.subject.name, thing.id, now)
        if thing.state != "submitted":
            kind.machine.move(db, thing, "submitted", SYSTEM, now, why)
            thing.looked_at = None
            thing.round += 1
            notify_owner(db, kind, thing, now, (why,))
    leaving.follow_household(db, household_id, "household_hidden", now)
    db.flush()


def reject_waiting(db: Session, household_id: int, state: str, now: datetime) -> None:
    """Reject what waits of a household whose case was rejected or revoked (``state``), and tell its owners."""
    leaving.lock_offers_first(db, household_id)
    for kind, thing in _held(db, household_id, lambda _kind: ("submitted",)):
        close_task(db, kind.subject.name, thing.id, now)
        kind.machine.move(db, thing, "rejected", SYSTEM, now, f"household_{state}")
        notify_owner(db, kind, thing, now, ("not_verified",))
    leaving.follow_household(db, household_id, "household_rejected", now)
    db.flush()


def _held(
    db: Session, household_id: int, states: Callable[[Reviewed], tuple[str, ...]]
) -> Iterator[tuple[Reviewed, Any]]:
    """Lock and yield the household's things of each kind that only verified households may have, in these states."""
    for kind in REVIEWED.values():
        if kind.of_household:
            table = kind.subject.table
            theirs = (kind.subject.household == household_id) & table.state.in_(states(kind))
            for thing in db.scalars(select(table).where(theirs).order_by(table.id).with_for_update()).all():
                yield kind, thing
