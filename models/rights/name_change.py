"""Correct a registered person's name: they ask, and an officer who sees their identity card decides.

submitted → approved / returned     by the village's officer; township and county stand in
submitted → withdrawn               the person asks anew, or is erased
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId, one_of
from models.core.calendar import start_of_day
from models.core.encryption import Encrypted
from models.core.refusal import Refusal
from models.core.state_machine import Actor, By, Machine
from models.core.subject import Subject
from models.notifications.notify import notify_user
from models.people.user import User, lock_home
from models.rights.request import AskedTooOften
from models.staff.decision import decide, end_review
from models.staff.file_access import TaskView, has_read, may_read_as_authority, record_file_access, view_task
from models.staff.member import Staff
from models.staff.task import Matter, open_task
from models.staff.task_steps import STEPS
from models.staff.turn import demand_task

SUBJECT = "name_change"
STEP = "name"
DAYS = STEPS[STEP][1]
# Each is a task of the village's officer.
MOST_A_DAY = 3

_OFFICER = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})
MACHINE = Machine(
    SUBJECT,
    {
        ("submitted", "approved"): _OFFICER,
        ("submitted", "returned"): _OFFICER,
        ("submitted", "withdrawn"): frozenset({By.OWNER}),
    },
)


class SameName(Refusal):
    """It is the name on record."""

    code = "same_name"
    step = "name"


class NoSuchNameChange(Refusal):
    """There is none of this number, or the reader may not know that there is: the words are the same."""

    code = "no_such_name_change"


class NameChange(Base):
    """A correction of a person's name. ``before`` and ``after`` are empty once the person is erased."""

    __tablename__ = "name_changes"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"))
    before: Mapped[str] = mapped_column(Encrypted("name change before"))
    after: Mapped[str] = mapped_column(Encrypted("name change after"))
    state: Mapped[str] = mapped_column(String(12), default="submitted")
    asked_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", MACHINE.states),
        CheckConstraint("(decided_at IS NULL) = (state = 'submitted')", name="decided"),
        Index("uq_name_changes_one", "user_id", unique=True, postgresql_where=text("state = 'submitted'")),
    )

    @property
    def matter(self) -> Matter:
        return Matter(SUBJECT, self.id, self.region_code, self.household_id)


NAME_CHANGE = Subject(
    SUBJECT,
    NameChange,
    MACHINE,
    begins=("submitted",),
    owner=NameChange.user_id,
    place=NameChange.region_code,
    household=NameChange.household_id,
)


@dataclass(frozen=True, slots=True)
class NameFile:
    """A correction as its officer sees it, with the ID number and phone to check it by."""

    number: int
    before: str
    after: str
    id_number: str | None
    phone: str | None
    state: str
    task: TaskView


def check_other_name(user: User, name: str) -> None:
    """Raises SameName."""
    if user.name == name:
        raise SameName


def check_may_ask_for_name(db: Session, user: User, now: datetime) -> None:
    """Raises AskedTooOften."""
    today = (NameChange.user_id == user.id) & (NameChange.asked_at >= start_of_day(now))
    if (db.scalar(select(func.count()).where(today)) or 0) >= MOST_A_DAY:
        raise AskedTooOften(most=MOST_A_DAY, kind="name")


def ask_for_name(db: Session, user: User, draft_id: str, name: str, now: datetime) -> NameChange:
    """Ask an officer to correct the name; one that waits is withdrawn. The same draft twice is one.

    Raises SameName or AskedTooOften.
    """
    earlier = db.scalar(select(NameChange).where(NameChange.draft_id == draft_id))
    if earlier:
        return earlier
    check_other_name(user, name)
    check_may_ask_for_name(db, user, now)
    withdraw_waiting(db, user.id, now)
    change = NameChange(
        draft_id=draft_id,
        user_id=user.id,
        region_code=user.region_code,
        household_id=lock_home(db, user),
        before=user.name or "",
        after=name,
        asked_at=now,
    )
    db.add(change)
    db.flush()
    who = f"user:{user.id}"
    record(db, at=now, actor=who, action="asked", subject=SUBJECT, subject_id=change.id)
    open_task(db, change.matter, STEP, now)
    return change


def withdraw_waiting(db: Session, user_id: int, now: datetime) -> None:
    """Withdraw the person's correction that waits, if there is one."""
    theirs = (NameChange.user_id == user_id) & (NameChange.state == "submitted")
    waiting = db.scalar(select(NameChange).where(theirs).with_for_update())
    if waiting:
        waiting.decided_at = now
        end_review(db, MACHINE, waiting, "withdrawn", Actor.owner(user_id), now)


def forget_names(db: Session, user_id: int, now: datetime) -> None:
    """Withdraw what waits, and empty the names, as the person is erased."""
    withdraw_waiting(db, user_id, now)
    db.execute(update(NameChange).where(NameChange.user_id == user_id).values(before="", after=""))


def open_name_change(db: Session, staff: Staff, number: int, now: datetime) -> NameFile:
    """Show a correction to an officer; the reading is recorded. Raises NoSuchNameChange."""
    change = db.get(NameChange, number)
    if change is None or not may_read_as_authority(db, staff, change.matter):
        raise NoSuchNameChange(number=number)
    record_file_access(db, staff, SUBJECT, number, change.user_id, now)
    user = db.get_one(User, change.user_id)
    return NameFile(
        number=number,
        before=change.before,
        after=change.after,
        id_number=user.id_number,
        phone=user.phone,
        state=change.state,
        task=view_task(db, staff, SUBJECT, number),
    )


def is_read(db: Session, staff: Staff, number: int) -> bool:
    return has_read(db, staff, SUBJECT, number)


def check_decidable(db: Session, staff: Staff, number: int) -> NameChange:
    """Lock and return the correction for the officer whose turn it is.

    Raises NoSuchNameChange, OutsideRegion, NotYourTurn, NotIdentified or HasConflict.
    """
    change = db.get(NameChange, number, with_for_update=True, populate_existing=True)
    if change is None:
        raise NoSuchNameChange(number=number)
    demand_task(db, staff, change.matter, change.state)
    return change


def approve(db: Session, staff: Staff, number: int, now: datetime) -> None:
    """Set the new name and notify the person. Raises as ``check_decidable`` does."""
    change = check_decidable(db, staff, number)
    user = db.get_one(User, change.user_id, with_for_update=True, populate_existing=True)
    decide(db, change.matter, 1, staff, "pass", now)
    _end(db, change, staff, "approved", (), now)
    user.name = change.after
    who, what = staff.actor.name, f"{SUBJECT}:{number}"
    record(db, at=now, actor=who, action="name_changed", subject="user", subject_id=user.id, detail=what)
    db.flush()


def send_back(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> None:
    """Leave the name as it is, and notify the person why. Raises as ``check_decidable`` does."""
    change = check_decidable(db, staff, number)
    decide(db, change.matter, 1, staff, "return", now, reasons)
    _end(db, change, staff, "returned", reasons, now)


def _end(db: Session, change: NameChange, staff: Staff, state: str, reasons: Sequence[str], now: datetime) -> None:
    change.decided_by, change.decided_at = staff.id, now
    end_review(db, MACHINE, change, state, staff.actor, now, staff=staff)
    facts = {"approved": state == "approved", "reasons": list(reasons), "work_no": staff.work_no}
    notify_user(db, change.user_id, "name_decided", facts, f"name_decided:{change.id}", now, (SUBJECT, change.id))
