"""The county decides on organisations and on who speaks for them, on the letter that it has opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.core.calendar import day_in_china
from models.core.hooks import Hook
from models.core.state_machine import By, WrongState
from models.notifications.notify import notify_user
from models.organisations.application import NEW, SUCCESSION, matter_of
from models.organisations.organisation import (
    MACHINE,
    SUBJECT,
    NoSuchOrganisation,
    Organisation,
    get_organisation,
)
from models.organisations.representative import (
    Representative,
    decline,
    end_term,
    in_office,
    proposed_for,
    take_office,
)
from models.people.user import User
from models.places.region import Region
from models.staff.decision import decide
from models.staff.file_access import TaskView, has_opened, may_read, record_file_access, view_task
from models.staff.member import Staff
from models.staff.pictures_opened import demand_opened
from models.staff.task import Matter, Task, close_task, find_task, open_task
from models.staff.turn import demand_may_undo, demand_no_conflict, demand_region, demand_task

STOPPED = "suspended"

# Arguments: the organisation's household. Called when it is suspended: what it asks for stops. Returns the numbers of
# the appeals that were frozen.
on_suspended: Hook[[Session, int, datetime], list[int]] = Hook("organisations.desk.on_suspended")
# Called when it may go on: officers look at what it lists again.
on_resumed: Hook[[Session, int, datetime], None] = Hook("organisations.desk.on_resumed")
# Called when it is dissolved: what it asks for, and has not begun to collect, ends, and what it sells.
on_dissolved: Hook[[Session, int, datetime], None] = Hook("organisations.desk.on_dissolved")


@dataclass(frozen=True, slots=True)
class Person:
    """Who speaks, or asks to speak, as the county sees them. ``until``: the last day of the term."""

    name: str
    phone: str | None
    until: date


@dataclass(frozen=True, slots=True)
class OrganisationFile:
    """An organisation as the county sees it. ``asks``: who asks to speak for it; ``speaks``: who does.

    ``household``: its row of households.
    """

    number: int
    kind: str
    name: str
    credit_code: str
    place: str
    state: str
    applied_at: datetime
    asks: Person | None
    speaks: Person | None
    household: int
    task: TaskView


def open_organisation(db: Session, staff: Staff, number: int, now: datetime) -> OrganisationFile:
    """Show an organisation to an officer of the county; the reading is recorded. Raises NoSuchOrganisation."""
    organisation = _readable(db, staff, number)
    asks, speaks = proposed_for(db, number), in_office(db, number)
    person = asks or speaks
    record_file_access(db, staff, SUBJECT, number, person.user_id if person else None, now)
    return OrganisationFile(
        number=number,
        kind=organisation.kind,
        name=organisation.name,
        credit_code=organisation.credit_code,
        place=db.get_one(Region, organisation.region_code).full_name,
        state=organisation.state,
        applied_at=organisation.applied_at,
        asks=_describe(db, asks),
        speaks=_describe(db, speaks),
        household=organisation.household_id,
        task=view_task(db, staff, SUBJECT, number),
    )


def step_of(db: Session, number: int) -> str:
    """Return the step of its open task; empty where it has none."""
    task = find_task(db, SUBJECT, number)
    return task.step if task else ""


def is_read(db: Session, staff: Staff, number: int) -> bool:
    changes = AuditEvent.action.in_(("asked", "moved"))
    return has_opened(db, staff, SUBJECT, number, purpose="review", changes=changes)


def check_decidable(db: Session, staff: Staff, number: int) -> Organisation:
    """Lock and return the organisation for the officer whose turn it is.

    Raises NoSuchOrganisation, OutsideRegion, NotYourTurn, NotIdentified or HasConflict.
    """
    _decidable(db, staff, number)
    return get_organisation(db, number)


def demand_pictures_opened(db: Session, staff: Staff, number: int) -> None:
    """Check that this officer has opened the newest letter. Raises PicturesNotOpened."""
    demand_opened(db, staff, SUBJECT, number, changes=AuditEvent.action == "asked", needs_one=True)


def approve(db: Session, staff: Staff, number: int, now: datetime) -> Organisation:
    """Confirm the organisation where it is new, and let who asks speak for it.

    Raises PicturesNotOpened, WrongState (nobody asks), or as ``check_decidable`` does.
    """
    organisation, task, person = _decidable(db, staff, number)
    demand_pictures_opened(db, staff, number)
    if person is None:
        raise WrongState(subject=SUBJECT, state=organisation.state, wanted="confirmed")
    decide(db, _matter(db, organisation, person), _round(db, organisation), staff, "pass", now)
    close_task(db, SUBJECT, number, now, staff)
    if task.step == NEW:
        organisation.confirmed_at = now
        MACHINE.move(db, organisation, "confirmed", staff.actor, now)
    before = in_office(db, number)
    take_office(db, person, organisation, staff.actor, now)
    _tell(db, organisation, person, "confirmed", (), now)
    if before:
        _tell(db, organisation, before, "succeeded", (), now)
    return organisation


def send_back(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> Organisation:
    """Turn down who asks, and the organisation too where it is new. Raises as ``check_decidable`` does."""
    organisation, task, person = _decidable(db, staff, number)
    if person is None:
        raise WrongState(subject=SUBJECT, state=organisation.state, wanted="returned")
    decide(db, _matter(db, organisation, person), _round(db, organisation), staff, "return", now, reasons)
    close_task(db, SUBJECT, number, now, staff)
    decline(db, person, staff.actor, now)
    if task.step == NEW:
        MACHINE.move(db, organisation, "returned", staff.actor, now, ",".join(reasons)[:80])
    _tell(db, organisation, person, "returned", reasons, now)
    return organisation


def suspend(db: Session, staff: Staff, number: int, reason: str, now: datetime) -> list[int]:
    """Suspend a confirmed organisation and freeze what it asks for; returns the numbers of the frozen appeals.

    Raises NoSuchOrganisation, OutsideRegion, HasConflict or WrongState.
    """
    organisation, person, matter = _to_stop(db, staff, number)
    MACHINE.move(db, organisation, "suspended", staff.actor, now, reason)
    decide(db, matter, _round(db, organisation), staff, "freeze", now, (reason,))
    close_task(db, SUBJECT, number, now, staff)
    open_task(db, matter, STOPPED, now, told=False)
    frozen = on_suspended(db, organisation.household_id, now)
    if person:
        _tell(db, organisation, person, "suspended", (reason,), now)
    db.flush()
    return frozen


def resume(db: Session, staff: Staff, number: int, now: datetime) -> Organisation:
    """Lift the suspension; each appeal that it froze is for the county to resume. Raises as ``suspend``.

    Whoever had asked to speak for it waits for the county again.
    """
    organisation, person = _to_undo(db, staff, number)
    MACHINE.move(db, organisation, "confirmed", staff.actor, now)
    decide(db, _matter(db, organisation, person), _round(db, organisation), staff, "resume", now)
    close_task(db, SUBJECT, number, now, staff)
    if asks := proposed_for(db, number):
        open_task(db, _matter(db, organisation, asks), SUCCESSION, now)
    on_resumed(db, organisation.household_id, now)
    if person:
        _tell(db, organisation, person, "resumed", (), now)
    db.flush()
    return organisation


def dissolve(db: Session, staff: Staff, number: int, reason: str, now: datetime) -> Organisation:
    """End a suspended organisation that is no more, and the term of who spoke for it. Raises as ``suspend``."""
    organisation, person = _to_undo(db, staff, number)
    MACHINE.move(db, organisation, "dissolved", staff.actor, now, reason)
    decide(db, _matter(db, organisation, person), _round(db, organisation), staff, "revoke", now, (reason,))
    close_task(db, SUBJECT, number, now, staff)
    on_dissolved(db, organisation.household_id, now)
    if asks := proposed_for(db, number):
        decline(db, asks, staff.actor, now)
        _tell(db, organisation, asks, "dissolved", (), now)
    if person:
        end_term(db, person, staff.actor, now, "dissolved")
        _tell(db, organisation, person, "dissolved", (), now)
    db.flush()
    return organisation


def check_stoppable(db: Session, staff: Staff, number: int, wanted: str) -> None:
    """Check that this officer may suspend (``suspended``) or end (``dissolved``) it. Raises as ``suspend`` does."""
    organisation, *_ = _to_stop(db, staff, number) if wanted == "suspended" else _to_undo(db, staff, number)
    MACHINE.check(organisation.state, wanted, staff.actor)


def _to_stop(db: Session, staff: Staff, number: int) -> tuple[Organisation, Representative | None, Matter]:
    organisation = get_organisation(db, number, lock=True)
    person = in_office(db, number)
    matter = _matter(db, organisation, person)
    demand_region(db, staff, matter)
    demand_no_conflict(db, staff, matter)
    return organisation, person, matter


def _to_undo(db: Session, staff: Staff, number: int) -> tuple[Organisation, Representative | None]:
    organisation = get_organisation(db, number, lock=True)
    person = in_office(db, number)
    demand_may_undo(db, staff, _matter(db, organisation, person))
    return organisation, person


def _decidable(db: Session, staff: Staff, number: int) -> tuple[Organisation, Task, Representative | None]:
    organisation = get_organisation(db, number, lock=True)
    person = proposed_for(db, number)
    task = demand_task(db, staff, _matter(db, organisation, person), organisation.state)
    return organisation, task, person


def _round(db: Session, organisation: Organisation) -> int:
    """Number the decisions on an organisation by how many have spoken, or asked to speak, for it."""
    theirs = select(func.count()).where(Representative.organisation_id == organisation.id)
    return db.scalar(theirs) or 0


def _matter(db: Session, organisation: Organisation, person: Representative | None) -> Matter:
    return matter_of(organisation, db.get_one(User, person.user_id if person else organisation.applied_by))


def _readable(db: Session, staff: Staff, number: int) -> Organisation:
    organisation = db.get(Organisation, number)
    if organisation is None or staff.role != By.COUNTY:
        raise NoSuchOrganisation(number=number)
    if not may_read(db, staff, Matter(SUBJECT, number, organisation.region_code, organisation.household_id)):
        raise NoSuchOrganisation(number=number)
    return organisation


def _describe(db: Session, person: Representative | None) -> Person | None:
    if person is None:
        return None
    user = db.get_one(User, person.user_id)
    return Person(user.name or "", user.phone, person.until)


def _tell(
    db: Session, organisation: Organisation, person: Representative, what: str, reasons: Sequence[str], now: datetime
) -> None:
    facts = {
        "name": organisation.name,
        "what": what,
        "reasons": list(reasons),
        "until": person.until.isoformat(),
        "today": day_in_china(now),
    }
    key = f"organisation:{organisation.id}:{what}:{person.id}:{now.timestamp()}"
    notify_user(db, person.user_id, "organisation_decided", facts, key, now, (SUBJECT, organisation.id))
