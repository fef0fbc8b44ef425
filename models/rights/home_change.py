"""Change the home of a resident: what waits for the village's officer goes to the new village's.

A case that was visited is decided where it was visited first, and another county verifies for itself: until then the
home stays, and the person is told what to do. Public appeals stay where they are carried out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import OPEN as OPEN_APPEALS
from models.appeals.appeal import Appeal
from models.core.refusal import Refusal
from models.families.members import others_of
from models.goods.review import REVIEWED
from models.people.former_homes import record_move
from models.people.user import Household, User, lock_home
from models.places.region import county_of
from models.rights.name_change import SUBJECT as NAME_CHANGE
from models.rights.name_change import NameChange
from models.staff.task import assign_holder, find_task
from models.verification.case import OPEN as OPEN_CASES
from models.verification.case import Verification

# Nobody has been there yet.
_BEFORE_VISIT = ("submitted", "registry_checked")
_MOVES_WITH_HOME = (*_BEFORE_VISIT, "verified")
_UNSEEN = ("submitted", "returned")


class SameHome(Refusal):
    """It is the home on record."""

    code = "same_home"
    step = "home"


class MovesLater(Refusal):
    """The home cannot change now. ``what``: case (``number`` is between visit and decision), suspended, or county
    (another one, while a case or an appeal is open)."""

    code = "moves_later"
    final = True


@dataclass(frozen=True, slots=True)
class Moved:
    """What went along: the number of the case, or None, and those of appeals."""

    case: int | None
    appeals: Sequence[int]


def check_may_move(db: Session, user: User, region_code: str, *, lock: bool = False) -> None:
    """Raises SameHome or MovesLater. ``lock``: cases and appeals stay as they are until the transaction ends."""
    if region_code == user.region_code:
        raise SameHome
    cases, appeals = _open_cases(db, user, lock=lock), _open_appeals(db, user, lock=lock)
    for case in cases:
        if case.state not in _MOVES_WITH_HOME:
            what = "suspended" if case.state == "suspended" else "case"
            raise MovesLater(what=what, number=case.id)
    if (cases or appeals) and county_of(region_code) != county_of(user.region_code or ""):
        raise MovesLater(what="county", number=None)


def move_home(db: Session, user: User, region_code: str, now: datetime) -> Moved:
    """Move the home, the open case, and what nobody has looked at. Raises SameHome or MovesLater.

    Locks the household, its cases, then the appeals, the goods and the corrected name, then the person. A household in
    which others are registered stays where it is.
    """
    if user.household_id:
        lock_home(db, user, change=True)
    check_may_move(db, user, region_code, lock=True)
    old, moved_case, moved_appeals = user.region_code, None, []
    for case in _open_cases(db, user):
        case.region_code = region_code
        if case.state in _BEFORE_VISIT:
            moved_case = case.id
            _move_task(db, "case", case.id, region_code, now)
    for appeal in _open_appeals(db, user):
        if appeal.state in _UNSEEN and appeal.region_code == old:
            appeal.region_code = region_code
            moved_appeals.append(appeal.id)
            _move_task(db, "appeal", appeal.id, region_code, now)
    for subject, thing in _waiting(db, user):
        thing.region_code = region_code
        _move_task(db, subject, thing.id, region_code, now)
    db.refresh(user, with_for_update=True)
    user.region_code = region_code
    if user.household_id and not others_of(db, user):
        db.get_one(Household, user.household_id).region_code = region_code
    db.flush()
    record_move(db, user, old, now)
    return Moved(moved_case, moved_appeals)


def _move_task(db: Session, subject: str, number: int, region_code: str, now: datetime) -> None:
    task = find_task(db, subject, number)
    if task:
        task.region_code = region_code
        assign_holder(db, task, now)


def _waiting(db: Session, user: User) -> Iterator[tuple[str, Any]]:
    """Lock and yield the household's requests and listings that nobody has looked at, and the corrected name.

    What stands at a donor's offer is where the goods are, which is no home.
    """
    kinds = [
        (kind.subject.name, kind.subject.table, kind.subject.owner) for kind in REVIEWED.values() if kind.of_household
    ]
    for subject, table, owner in (*kinds, (NAME_CHANGE, NameChange, NameChange.user_id)):
        theirs = select(table).where(owner == user.id, table.state.in_(_UNSEEN)).order_by(table.id)
        for thing in db.scalars(theirs.with_for_update().execution_options(populate_existing=True)).all():
            yield subject, thing


def _open_cases(db: Session, user: User, *, lock: bool = False) -> Sequence[Verification]:
    theirs = select(Verification).where(Verification.user_id == user.id, Verification.state.in_(OPEN_CASES))
    found = theirs.order_by(Verification.id.desc()).execution_options(populate_existing=lock)
    return db.scalars(found.with_for_update() if lock else found).all()


def _open_appeals(db: Session, user: User, *, lock: bool = False) -> Sequence[Appeal]:
    theirs = select(Appeal).where(Appeal.owner_id == user.id, Appeal.state.in_(OPEN_APPEALS))
    found = theirs.order_by(Appeal.id).execution_options(populate_existing=lock)
    return db.scalars(found.with_for_update() if lock else found).all()
