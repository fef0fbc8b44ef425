"""The pictures of an appeal, a case, a mandate or a use of money: who on the staff may look at them, and who looked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.appeals.revision import Revision, waiting_for
from models.core.audit_trail import record_reading
from models.core.state_machine import By
from models.disbursements.disbursement import Disbursement
from models.outreach.update import Update, update_waiting
from models.people.photo import Photo, kept_of
from models.people.user import User
from models.proxy.mandate import Mandate, ProxyAct
from models.staff.conflict_of_interest import is_own
from models.staff.member import Staff
from models.staff.task import find_task, reaches
from models.verification.case import Verification, case_of
from models.verification.visit import Visit

SUBJECTS = ("appeal", "case", "mandate", "disbursement")


class NotForYou(Exception):
    """No longer of the staff, not of this region, of their own household, none of their business, or no such thing."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """``number`` of an appeal, a case or a mandate; ``about``: the user whose it is."""

    subject: str
    number: int
    about: int
    pictures: Sequence[Photo]


def open_gallery(db: Session, staff_id: int, subject: str, number: int, now: datetime) -> Gallery:
    """Who may look is asked anew each time: they may have lost their seat since. Raises NotForYou."""
    staff = db.get(Staff, staff_id)
    owner, region_code = _belongs(db, subject, number)
    if staff is None or not _serves(staff, now) or not region_code:
        raise NotForYou
    if not any(reaches(db, staff, region_code, *matter) for matter in _waits_as(db, subject, number)):
        raise NotForYou
    if staff.role == By.FUND_HOLDER and not _decides(db, subject, number):
        raise NotForYou
    if is_own(db, staff, db.get_one(User, owner).household_id):
        raise NotForYou
    return Gallery(
        subject,
        number,
        owner,
        [photo for kind, rows in _shown_as(db, subject, number) for photo in kept_of(db, kind, rows)],
    )


def record_look(db: Session, gallery: Gallery, staff_id: int, now: datetime) -> None:
    record_reading(
        db,
        at=now,
        actor=f"staff:{staff_id}",
        subject=gallery.subject,
        subject_id=gallery.number,
        purpose="pictures",
        about=gallery.about,
    )


def count_pictures(db: Session, subject: str, number: int) -> int:
    """How many there are to be seen."""
    return sum(
        db.scalar(select(func.count()).where(Photo.subject == kind, Photo.subject_id.in_(rows), Photo.state == "kept"))
        or 0
        for kind, rows in _shown_as(db, subject, number)
    )


def _serves(staff: Staff, now: datetime) -> bool:
    """As models.staff.member.find_staff has it."""
    begun = staff.state == "active" and staff.active_from <= now
    return begun and (staff.active_until is None or staff.active_until > now)


def _decides(db: Session, subject: str, number: int) -> bool:
    """A charity is no authority: what an appeal shows is its business while it has to decide."""
    task = find_task(db, subject, number)
    return task is not None and task.role == By.FUND_HOLDER


def _belongs(db: Session, subject: str, number: int) -> tuple[int, str | None]:
    """Whose it is, and where."""
    if subject == "appeal":
        appeal = db.get(Appeal, number)
        return (appeal.owner_id, appeal.region_code) if appeal else (0, None)
    if subject == "disbursement":
        use = db.get(Disbursement, number)
        return _belongs(db, "appeal", use.appeal_id) if use else (0, None)
    if subject == "case":
        case = db.get(Verification, number)
        return (case.user_id, case.region_code) if case else (0, None)
    mandate = db.get(Mandate, number) if subject == "mandate" else None
    user = db.get(User, mandate.user_id) if mandate else None
    return (user.id, user.region_code) if user else (0, None)


def _waits_as(db: Session, subject: str, number: int) -> list[tuple[str, int]]:
    """As what it may lie in a queue: an appeal also as its change or update, a signed sheet as what was done by it."""
    if subject == "appeal":
        change, update = waiting_for(db, number), update_waiting(db, number)
        waits = [("revision", change.id)] if change else []
        return [(subject, number), *waits, *([("update", update.id)] if update else [])]
    if subject in ("case", "disbursement"):
        return [(subject, number)]
    mandate = db.get_one(Mandate, number)
    acts = db.scalars(select(ProxyAct).where(ProxyAct.user_id == mandate.user_id, ProxyAct.mandate_id == number)).all()
    appeals = [("appeal", act.subject_id) for act in acts if act.subject == "appeal"]
    case = case_of(db, mandate.user_id) if len(appeals) < len(acts) else None
    return [(subject, number), *appeals, *([("case", case.id)] if case else [])]


def _shown_as(db: Session, subject: str, number: int) -> list[tuple[str, Sequence[int]]]:
    """The photos' own subjects: a case has those of its visits, an appeal also those of a change or an update."""
    if subject == "case":
        return [("visit", db.scalars(select(Visit.id).where(Visit.verification_id == number)).all())]
    if subject == "disbursement":
        return [("disbursement", [number]), ("receipt", [number])]
    if subject == "appeal":
        waits = (Revision.appeal_id == number) & (Revision.state == "submitted")
        told = select(Update.id).where(Update.appeal_id == number, Update.state.in_(("submitted", "published")))
        changes = [("revision", db.scalars(select(Revision.id).where(waits)).all())]
        return [("appeal", [number]), *changes, ("update", db.scalars(told).all())]
    return [(subject, [number])]
