"""Two of the county decide on a claimed ID number, each on the picture of the card, which both have opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.core.calendar import day_in_china
from models.core.encryption import keyring
from models.core.refusal import Refusal
from models.core.state_machine import By
from models.notifications.notify import notify
from models.people.conversation import Conversation
from models.people.user import User
from models.places.region import Region, county_of
from models.rights.number_claim import KEPT, MACHINE, STEP, SUBJECT, NumberClaim, claimants_seats, holder_of
from models.rights.number_release import release_number
from models.staff.decision import decide, end_review
from models.staff.file_access import TaskView, may_read, record_file_access, view_task
from models.staff.member import Staff, all_seats_of
from models.staff.pictures_opened import demand_opened
from models.staff.signers import CannotSign, SignerGone
from models.staff.task import close_task, open_task
from models.staff.turn import demand_task

# Why the second of the county is not the first.
_PASSED = "decided_before"


class NoSuchClaim(Refusal):
    """There is none of this number, or the reader may not know that there is: the words are the same."""

    code = "no_such_claim"


class NobodyHasIt(Refusal):
    """Nobody else is registered with the claimed number, so there is nothing to release (``number``)."""

    code = "nobody_has_it"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who is registered with the claimed number: no more than it takes to tell two people apart."""

    name: str
    place: str
    since: datetime
    by_proxy: bool


@dataclass(frozen=True, slots=True)
class ClaimFile:
    """A claim as the county sees it. ``holder``: None where nobody has the number. ``earlier``: how often the number
    was claimed besides, and ``released``: how often it was taken from somebody for that."""

    number: int
    id_number: str
    state: str
    asked_at: datetime
    holder: Holder | None
    earlier: int
    released: int
    task: TaskView


def open_claim(db: Session, staff: Staff, number: int, now: datetime) -> ClaimFile:
    """Show a claim to an officer of the county; the reading is recorded. Raises NoSuchClaim."""
    made = _readable(db, staff, number)
    record_file_access(db, staff, SUBJECT, number, None, now)
    hashes = keyring().lookup_hashes(made.id_number, "id_number") if made.id_number else []
    others = NumberClaim.id_hash.in_(hashes) & (NumberClaim.id != made.id)
    freed = func.count().filter(NumberClaim.state == "released")
    earlier, released = db.execute(select(func.count(), freed).where(others)).one()
    user = holder_of(db, made)
    return ClaimFile(
        number=number,
        id_number=made.id_number or "",
        state=made.state,
        asked_at=made.asked_at,
        holder=_describe(db, user) if user else None,
        earlier=earlier,
        released=released,
        task=view_task(db, staff, SUBJECT, number),
    )


def check_decidable(db: Session, staff: Staff, number: int) -> NumberClaim:
    """Lock and return the claim for the officer whose turn it is.

    Raises NoSuchClaim, NotYourTurn, NotIdentified or HasConflict.
    """
    _readable(db, staff, number)
    made = db.get_one(NumberClaim, number, with_for_update=True, populate_existing=True)
    demand_task(db, staff, made.matter, made.state)
    return made


def demand_pictures_opened(db: Session, staff: Staff, number: int) -> None:
    """Check that this officer has opened the pictures; they were handed in with it. Raises PicturesNotOpened."""
    demand_opened(db, staff, SUBJECT, number, changes=AuditEvent.action == "asked", needs_one=True)


def approve(db: Session, staff: Staff, number: int, now: datetime) -> NumberClaim:
    """Pass the claim on to a second of the county, who releases the number.

    Where somebody else has the number than when the round began, it begins anew instead, and stays ``submitted``.

    Raises PicturesNotOpened, NobodyHasIt, DecidedBefore, SignerGone, or as ``check_decidable`` does.
    """
    made = check_decidable(db, staff, number)
    demand_pictures_opened(db, staff, number)
    user = holder_of(db, made)
    if user is None:
        raise NobodyHasIt(number=number)
    if user.id != made.holder_id:
        _begin_anew(db, made, user, staff, now)
        return made
    decide(db, made.matter, made.round, staff, "pass", now)
    if made.state == "submitted":
        made.first_staff = staff.id
        end_review(db, MACHINE, made, "seen", staff.actor, now, staff=staff)
        passed = dict.fromkeys(all_seats_of(db, [staff.id]), _PASSED)
        open_task(db, made.matter, STEP, now, {**claimants_seats(db, made), **passed})
        return made
    _release(db, made, user, staff, now)
    return made


def send_back(db: Session, staff: Staff, number: int, reasons: Sequence[str], now: datetime) -> NumberClaim:
    """Leave everything as it is, and tell the claimant why. Raises as ``check_decidable`` does."""
    made = check_decidable(db, staff, number)
    decide(db, made.matter, made.round, staff, "return", now, reasons)
    _end(db, made, staff, "returned", reasons, now)
    return made


def _begin_anew(db: Session, made: NumberClaim, user: User, staff: Staff, now: datetime) -> None:
    """Put the claim before the county of who has the number now, without what the first officer said of another."""
    if made.state == "seen":
        MACHINE.move(db, made, "submitted", staff.actor, now)
    close_task(db, SUBJECT, made.id, now, staff)
    made.holder_id, made.household_id, made.first_staff = user.id, user.household_id, None
    made.region_code = county_of(user.region_code or made.region_code)
    made.round += 1
    db.flush()
    open_task(db, made.matter, STEP, now, claimants_seats(db, made))


def _release(db: Session, made: NumberClaim, user: User, staff: Staff, now: datetime) -> None:
    """Release the number from its holder, whom it is told (models.rights.number_release). Raises SignerGone."""
    by = db.get_one(Staff, made.first_staff), staff
    try:
        # The holder may have moved away since: the claim keeps its county.
        release_number(db, user, f"{SUBJECT}:{made.id}", by, made.region_code, now)
    except CannotSign as refused:
        raise SignerGone(work_no=refused.work_no, subject=SUBJECT, number=made.id) from None
    _end(db, made, staff, "released", (), now)


def _end(db: Session, made: NumberClaim, staff: Staff, state: str, reasons: Sequence[str], now: datetime) -> None:
    made.ended_at = now
    end_review(db, MACHINE, made, state, staff.actor, now, staff=staff)
    registered = db.scalar(select(Conversation.user_id).where(Conversation.id == made.conversation_id)) is not None
    released = state == "released"
    until = day_in_china(now + KEPT) if released else None
    facts = {"released": released, "registered": registered, "reasons": list(reasons), "until": until}
    key = f"number_claim_decided:{made.id}"
    notify(db, made.conversation_id, "number_claim_decided", facts, key, now, (SUBJECT, made.id))


def _describe(db: Session, user: User) -> Holder:
    region = db.get(Region, user.region_code) if user.region_code else None
    place = region.full_name if region else ""
    return Holder(user.masked_name, place, user.created_at, user.registered_by is not None)


def _readable(db: Session, staff: Staff, number: int) -> NumberClaim:
    made = db.get(NumberClaim, number)
    if made is None or staff.role != By.COUNTY or not may_read(db, staff, made.matter):
        raise NoSuchClaim(number=number)
    # In the file stands who has the number.
    if staff.id in claimants_seats(db, made):
        raise NoSuchClaim(number=number)
    return made
