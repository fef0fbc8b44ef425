"""The pictures of an appeal, a case, a mandate or a use of money: who on the staff may look at them, and who looked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.audit_trail import record_reading
from models.core.state_machine import By
from models.core.subject import Subject
from models.people.photo import Photo, kept_of
from models.people.user import User
from models.proxy.mandate import ProxyAct
from models.staff.conflict_of_interest import is_own
from models.staff.member import Staff
from models.staff.task import find_task, reaches
from models.subjects import SUBJECTS, wholes_of
from models.verification.case import case_of

# What has a page of pictures of its own.
SHOWN = ("appeal", "case", "mandate", "disbursement")


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
    whole = wholes_of(db, subject, [number]).get(number) if subject in SHOWN else None
    if staff is None or not _serves(staff, now) or whole is None or not whole.place:
        raise NotForYou
    if not any(reaches(db, staff, whole.place, *matter) for matter in _waits_as(db, subject, number, whole.owner)):
        raise NotForYou
    if staff.role == By.FUND_HOLDER and not _decides(db, subject, number):
        raise NotForYou
    if is_own(db, staff, db.get_one(User, whole.owner).household_id):
        raise NotForYou
    return Gallery(
        subject,
        number,
        whole.owner,
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


def _waits_as(db: Session, subject: str, number: int, owner: int) -> list[tuple[str, int]]:
    """As what it may lie in a queue: an appeal also as its change or update, a signed sheet as what was done by it."""
    waits = [(subject, number), *((part.name, row) for part, rows in _parts(db, subject, number) for row in rows)]
    if subject == "mandate":
        theirs = select(ProxyAct).where(ProxyAct.user_id == owner, ProxyAct.mandate_id == number)
        acts = db.scalars(theirs).all()
        waits += [("appeal", act.subject_id) for act in acts if act.subject == "appeal"]
        case = case_of(db, owner) if any(act.subject == "user" for act in acts) else None
        waits += [("case", case.id)] if case else []
    return waits


def _shown_as(db: Session, subject: str, number: int) -> list[tuple[str, Sequence[int]]]:
    """The photos' own subjects: a case has those of its visits, an appeal also those of a change or an update."""
    shown = [(SUBJECTS[subject], [number]), *_parts(db, subject, number)]
    return [(photo, rows) for thing, rows in shown for photo in thing.photos]


def _parts(db: Session, subject: str, number: int) -> list[tuple[Subject, Sequence[int]]]:
    """Of each kind of part, those that are shown with the whole."""
    return [
        (part, db.scalars(select(part.table.id).where(part.whole_id == number, part.shown)).all())
        for part in SUBJECTS.values()
        if part.shown is not None and part.whole is SUBJECTS[subject]
    ]
