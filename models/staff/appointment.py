"""Appoint staff in three steps: the level above invites, the person redeems the code, the inviter confirms.

Redeeming binds the person's WeChat to the seat. A stranger with a leaked code is bound, but not yet an officer: the
inviter is notified, asks the person, and only then confirms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.calendar import CHINA
from models.core.codes import new_code
from models.core.encryption import keyring
from models.core.refusal import Refusal
from models.core.state_machine import Actor, By, Machine
from models.core.subject import Subject
from models.people.conversation import Conversation
from models.people.erased_phone import tries_from_phone
from models.people.shared_phone import demand_unshared
from models.people.user import count_id_number
from models.places.region import level_of
from models.staff.directory import (
    NoSuchStaff,
    NotBelowYou,
    OnYourself,
    WrongSeatState,
    demand_not_stopped_above,
    find_member,
    is_below,
    seat_of,
    seat_state,
)
from models.staff.member import HOLDING, SEATS, Staff, copy_household_to_seats, notify_staff
from models.staff.queue import assign_pool_tasks
from models.staff.turn import demand_identified

CODE_LENGTH = 10
CODE_LASTS = timedelta(days=7)
# One day more than three years, because a term runs to the end of its last day.
LONGEST_TERM = timedelta(days=3 * 366 + 1)
MOST_TRIES = 5
_ABOVE = frozenset({By.TOWNSHIP, By.COUNTY})
_SYSTEM = frozenset({By.SYSTEM})

MACHINE = Machine(
    "staff",
    {
        ("invited", "bound"): frozenset({By.OWNER}),
        ("bound", "active"): _ABOVE,
        ("active", "suspended"): _ABOVE,
        ("suspended", "active"): _ABOVE,
        **{(state, "revoked"): _ABOVE | _SYSTEM for state in ("invited", "bound", "active", "suspended")},
    },
)

STAFF = Subject("staff", Staff, MACHINE, begins=("invited", "active"))

# Role -> the levels of region for which the level above invites. A charity of a city or province is not invited: the
# command line appoints it.
LEVELS_OF_ROLE: Mapping[str, tuple[str, ...]] = {**SEATS, "fund_holder": ("county",)}
_PURPOSE = "invitation"
_SERIAL = 5
_MOST_RACES = 20
_MOST_TOLD = 20


class NoSuchSeat(Refusal):
    """The role has no seat for a region of this ``level``."""

    code = "no_such_seat"
    step = "place"


class OutsideYourPlace(Refusal):
    """The seat is outside the inviter's ``region``."""

    code = "outside_your_place"
    step = "place"


class NotYoursToInvite(Refusal):
    """The inviter's level does not invite this role."""

    code = "not_yours_to_invite"
    step = "role"


class TooManyTries(Refusal):
    """The conversation entered too many wrong codes today; even the right one is refused until tomorrow."""

    code = "too_many_tries"


class HoldsARole(Refusal):
    """This WeChat or this person holds a seat already: its ``work_no`` and ``state``."""

    code = "holds_a_role"


class PersonHoldsARole(HoldsARole):
    """Whoever has this ID number holds a seat. Says nothing of it: the number may be anybody's."""

    code = "person_holds_a_role"
    step = "id_number"


class NotYourInvitation(Refusal):
    """Only the inviter or a colleague of the inviter's seat may confirm."""

    code = "not_your_invitation"


@dataclass(frozen=True, slots=True)
class Invitation:
    """The seat to invite to. ``until``: the end of the term, at most three years away; None: no end.

    ``work_no``: the work number to use; None: a new one.
    """

    role: str
    region_code: str
    name: str
    until: datetime | None = None
    work_no: str | None = None
    charity_id: int | None = None
    """A fund holder's charity."""


def check_invitation(by: Staff, role: str, region_code: str, region: str) -> None:
    """Raises NotYoursToInvite, NotIdentified, OutsideYourPlace or NoSuchSeat.

    ``region``: the name of the inviter's own region.
    """
    if not is_below(by.role, role):
        raise NotYoursToInvite(role=role, by=by.role)
    demand_identified(by)
    if not by.covers(region_code):
        raise OutsideYourPlace(region=region)
    if level_of(region_code) not in LEVELS_OF_ROLE[role]:
        raise NoSuchSeat(role=role, level=level_of(region_code))


def invite(db: Session, by: Staff, wanted: Invitation, now: datetime) -> tuple[Staff, str]:
    """Create an invited seat; returns it and its code, of which only a keyed hash is stored.

    Raises as ``check_invitation`` does.
    """
    check_invitation(by, wanted.role, wanted.region_code, seat_of(db, by))
    if wanted.until and not now < wanted.until <= now + LONGEST_TERM:
        raise ValueError("a term of no length, or of more than three years")
    code = new_code(CODE_LENGTH)
    staff = Staff(
        role=wanted.role,
        region_code=wanted.region_code,
        charity_id=wanted.charity_id,
        name=wanted.name,
        state="invited",
        active_from=now,
        active_until=wanted.until,
        invited_by=by.id,
        code_hash=keyring().lookup_hashes(code, _PURPOSE)[0],
        code_expires_at=now + CODE_LASTS,
    )
    _insert_numbered(db, staff, wanted.work_no)
    record(db, at=now, actor=by.actor.name, action="invited", subject="staff", subject_id=staff.id, detail=wanted.role)
    return staff, code


def find_invitation(db: Session, conversation_id: int, code: str, now: datetime) -> Staff | None:
    """Find and lock the seat that the code is for.

    None: no valid invitation has this code. The try is recorded and counted; therefore it is not a refusal, which
    would roll the record back. Raises TooManyTries.
    """
    if tries_from_phone(db, _PURPOSE, conversation_id, now) >= MOST_TRIES:
        raise TooManyTries(most=MOST_TRIES)
    found = (Staff.code_hash.in_(keyring().lookup_hashes(code, _PURPOSE))) & (Staff.state == "invited")
    living = select(Staff).where(found, Staff.code_expires_at > now).with_for_update()
    staff = db.scalar(living.execution_options(populate_existing=True))
    if staff is None or seat_state(staff, now) == "ended":
        who = f"conversation:{conversation_id}"
        record(db, at=now, actor=who, action="code_refused", subject=_PURPOSE, subject_id=conversation_id)
        return None
    return staff


def check_holds_no_seat(db: Session, conversation_id: int, hashes: Sequence[str] = ()) -> None:
    """Raises PhoneIsShared, HoldsARole of this WeChat, PersonHoldsARole of this person (``hashes`` of the number)."""
    person = db.get_one(Conversation, conversation_id)
    demand_unshared(db, person.account, person.openid)
    wechat = (Staff.account == person.account) & (Staff.openid == person.openid)
    if held := db.scalar(select(Staff).where(wechat, Staff.state.in_(HOLDING)).limit(1)):
        raise HoldsARole(work_no=held.work_no, state=held.state)
    if db.scalar(select(Staff.id).where(Staff.id_hash.in_(hashes), Staff.state.in_(HOLDING)).limit(1)):
        raise PersonHoldsARole


def try_own_number(db: Session, conversation_id: int, id_number: str, now: datetime) -> None:
    """Count an ID number that an invited person gives as theirs, and check that its person has no seat.

    Not to be called where a refusal rolls back. Raises TooManyIdNumbers or HoldsARole.
    """
    count_id_number(db, conversation_id, now, what="seat")
    check_holds_no_seat(db, conversation_id, keyring().lookup_hashes(id_number, "id_number"))


def redeem(db: Session, conversation_id: int, code: str, id_number: str, now: datetime) -> Staff | None:
    """Bind this conversation's WeChat and its person to the seat that the code is for, and notify the inviters.

    None: as in ``find_invitation``. Raises TooManyTries, HoldsARole or StoppedAbove.
    """
    staff = find_invitation(db, conversation_id, code, now)
    if staff is None:
        return None
    hashes = keyring().lookup_hashes(id_number, "id_number")
    check_holds_no_seat(db, conversation_id, hashes)
    person = db.get_one(Conversation, conversation_id)
    staff.account, staff.openid = person.account, person.openid
    staff.id_number, staff.id_hash = id_number, hashes[0]
    db.flush()
    copy_household_to_seats(db, staff.account, staff.openid)
    demand_not_stopped_above(db, db.get_one(Staff, staff.invited_by), staff)
    staff.code_hash = staff.code_expires_at = None
    MACHINE.move(db, staff, "bound", Actor(By.OWNER, f"staff:{staff.id}"), now)
    db.flush()
    facts = {"work_no": staff.work_no, "role": staff.role, "place": seat_of(db, staff)}
    for inviter in _inviters(db, staff):
        notify_staff(db, inviter, "staff_bound", facts, f"staff_bound:{staff.id}", now, ("staff", staff.id))
    return staff


def confirm(db: Session, by: Staff, work_no: str, now: datetime) -> Staff:
    """Confirm that the bound person is the one who was invited: activate the seat and notify its holder.

    Raises NoSuchStaff, OnYourself, NotBelowYou, NotYourInvitation, NotIdentified or WrongSeatState.
    """
    staff = find_member(db, work_no, lock=True)
    if staff is None:
        raise NoSuchStaff(work_no=work_no)
    if staff.id == by.id:
        raise OnYourself(work_no=staff.work_no)
    if not is_below(by.role, staff.role) or not by.covers(staff.region_code):
        raise NotBelowYou(work_no=staff.work_no, region=seat_of(db, by))
    if by.id not in [inviter.id for inviter in _inviters(db, staff)]:
        raise NotYourInvitation(work_no=staff.work_no)
    demand_identified(by)
    if seat_state(staff, now) != "bound":
        raise WrongSeatState(work_no=staff.work_no, state=seat_state(staff, now), wanted="bound")
    MACHINE.move(db, staff, "active", by.actor, now)
    staff.active_from = now
    db.flush()
    assign_pool_tasks(db, staff, now)
    facts = {"work_no": staff.work_no, "role": staff.role, "place": seat_of(db, staff), "until": _last_day(staff)}
    notify_staff(db, staff, "staff_confirmed", facts, f"staff_confirmed:{staff.id}", now, ("staff", staff.id))
    return staff


def _inviters(db: Session, staff: Staff) -> list[Staff]:
    """List the inviter and the inviter's colleagues (same role, same region) who are active."""
    inviter = db.get(Staff, staff.invited_by) if staff.invited_by else None
    if inviter is None:
        return []
    seat = (Staff.role == inviter.role) & (Staff.region_code == inviter.region_code) & (Staff.state == "active")
    return list(db.scalars(select(Staff).where(seat).order_by(Staff.id).limit(_MOST_TOLD)))


def _insert_numbered(db: Session, staff: Staff, given: str | None) -> None:
    """Insert the seat under ``given`` or a new work number: the county's last four digits and a serial.

    Raises IntegrityError where ``given`` is taken.
    """
    county = staff.region_code[2:6]
    first, last = county.ljust(4 + _SERIAL, "0"), county.ljust(4 + _SERIAL, "9")
    like_these = Staff.work_no.between(first, last) & (func.length(Staff.work_no) == len(last))
    for races in range(_MOST_RACES):
        highest = db.scalar(select(func.max(Staff.work_no)).where(like_these)) or first
        staff.work_no = given or str(int(highest) + 1).zfill(len(last))
        try:
            with db.begin_nested():
                db.add(staff)
                db.flush()
            return
        except IntegrityError:
            # Another transaction took the number first: try the next. Any other error persists, and is raised at last.
            if given or races == _MOST_RACES - 1:
                raise


def _last_day(staff: Staff) -> str | None:
    """Write the term's last day in China; None for a term without end."""
    if staff.active_until is None:
        return None
    return (staff.active_until.astimezone(CHINA) - timedelta(seconds=1)).date().isoformat()
