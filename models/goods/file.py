"""Show a request, an offer or a listing to officers, and the reason of a request to those who check it alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.refusal import Refusal
from models.goods.exchange import NoSuchThing
from models.goods.matches.record import Record, record_of_donor, record_of_household
from models.goods.review import REVIEWED, check_may_take_down, step_of_task
from models.goods.rules import GoodsRules
from models.places.region import Region
from models.staff.decision import Decision
from models.staff.file_access import (
    TaskView,
    decides_on_report,
    has_read,
    may_read_as_authority,
    record_file_access,
    view_task,
)
from models.staff.member import Staff, all_seats_of, seats_of_users
from models.verification.case import is_verified


@dataclass(frozen=True, slots=True)
class GoodsFile:
    """A request, an offer or a listing (``subject``) as an officer sees it. ``facts``: by kind (Reviewed.describe).

    ``reason``: why the household asks for it; None for officers who do not check it. ``verified``: whether its
    household is; None where that does not matter. ``needs_reason``: approval needs one. ``removable``: this officer may
    take it down now. ``record``: how often the household of a request, or the donor of an offer, kept their word.
    """

    subject: str
    number: int
    name: str
    state: str
    place: str
    facts: dict[str, Any]
    reason: str | None
    verified: bool | None
    needs_reason: bool
    removable: bool
    record: Record | None
    task: TaskView


def find_readable(db: Session, staff: Staff, name: str, number: int) -> Any | None:
    """Return the thing if this officer may read its file: of their place, and not their own; else None."""
    kind = REVIEWED[name]
    thing = db.get(kind.subject.table, number)
    if thing is None or not may_read_as_authority(db, staff, kind.matter(db, thing)):
        return None
    return None if staff.id in seats_of_users(db, [thing.owner_id]) else thing


def open_file(db: Session, staff: Staff, name: str, number: int, rules: GoodsRules, now: datetime) -> GoodsFile:
    """Show it to an officer of the place; the reading is recorded. Raises NoSuchThing."""
    kind, thing = REVIEWED[name], find_readable(db, staff, name, number)
    if thing is None:
        raise NoSuchThing(what=name, number=number)
    record_file_access(db, staff, name, number, thing.owner_id, now)
    task, matter = view_task(db, staff, name, number), kind.matter(db, thing)
    checks = task.mine or _has_decided(db, staff, name, number) or decides_on_report(db, staff, name, number)
    return GoodsFile(
        subject=name,
        number=number,
        name=thing.title,
        state=thing.state,
        place=db.get_one(Region, matter.region_code).full_name,
        facts=kind.describe(thing),
        reason=getattr(thing, "reason", None) if checks else None,
        verified=is_verified(db, matter.household_id, now) if kind.of_household else None,
        needs_reason=kind.needs_reason(thing, step_of_task(db, name, number), rules),
        removable=_may_take_down(db, staff, name, number),
        record=_record_of(db, name, thing, now),
        task=task,
    )


def is_read(db: Session, staff: Staff, name: str, number: int) -> bool:
    """Tell whether this officer has read it as it now is, which is required before deciding."""
    return has_read(db, staff, name, number)


def _has_decided(db: Session, staff: Staff, name: str, number: int) -> bool:
    its_own = (Decision.subject == name) & (Decision.subject_id == number)
    by = Decision.staff_id.in_(all_seats_of(db, [staff.id]))
    return db.scalar(select(Decision.id).where(its_own, by).limit(1)) is not None


def _record_of(db: Session, name: str, thing: Any, now: datetime) -> Record | None:
    if name == "request":
        return record_of_household(db, thing.household_id, now)
    return record_of_donor(db, thing.donor_id, now) if name == "offer" else None


def _may_take_down(db: Session, staff: Staff, name: str, number: int) -> bool:
    try:
        check_may_take_down(db, staff, name, number, lock=False)
    except Refusal:
        return False
    return True
