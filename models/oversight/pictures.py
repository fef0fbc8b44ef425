"""Decide which staff may see the pictures of a thing (an appeal, a case, a disbursement), and log who opened them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.audit_trail import record_reading
from models.core.state_machine import By
from models.core.subject import Subject
from models.people.photo import Photo, kept_photos
from models.people.user import User
from models.proxy.mandate import ProxyAct
from models.staff.conflict_of_interest import is_own
from models.staff.file_access import decides_on_report
from models.staff.member import Staff
from models.staff.task import Matter, find_task
from models.staff.turn import reaches
from models.subjects import SUBJECTS, records_of
from models.support.inquiry import INQUIRY, Inquiry
from models.support.inquiry_desk import may_read
from models.verification.case import newest_case_of


def _has_page(subject: Subject) -> bool:
    """Tell whether the subject has a page of pictures: photos of its own, or of parts that are shown with it."""
    parts = [part for part in SUBJECTS.values() if part.parent is subject and part.shown is not None]
    own = () if subject.shown is not None else subject.photos
    return bool(own) or any(part.photos for part in parts)


def shown_subjects() -> tuple[str, ...]:
    """Name the subjects with a page of pictures, once models.wiring has declared those of all rooms."""
    return tuple(name for name, subject in SUBJECTS.items() if _has_page(subject))


class NotForYou(Exception):
    """The reader may not see these pictures: not on the staff any more, outside their region, of their own household,
    not among their tasks, concerned in what was reported; or there is no such subject."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """The pictures of one subject (``shown_subjects``) and its ``number``; ``about``: the id of the user it belongs to,
    None of a report's, which must not stand in anybody's access log.

    ``coming``: how many more are still being fetched; ``lost``: how many never arrived.
    """

    subject: str
    number: int
    about: int | None
    pictures: Sequence[Photo]
    coming: int
    lost: int

    def same_as(self, other: "Gallery") -> bool:
        """Tell whether both show the same pictures, with the same on their way."""
        mine, theirs = ([photo.id for photo in each.pictures] for each in (self, other))
        return mine == theirs and self.coming == other.coming


def open_gallery(db: Session, staff_id: int, subject: str, number: int, now: datetime) -> Gallery:
    """Return the pictures if the officer may see them now: they may have lost their seat since the link was made.

    Raises NotForYou."""
    staff = db.get(Staff, staff_id)
    record = records_of(db, subject, [number]).get(number) if subject in shown_subjects() else None
    if staff is None or not staff.is_serving(now) or record is None or not record.place:
        raise NotForYou
    subjects = _task_subjects(db, subject, number, record.owner)
    reached = any(reaches(db, staff, Matter(*which, record.place, None)) for which in subjects)
    if not reached and not decides_on_report(db, staff, subject, number):
        raise NotForYou
    if staff.role == By.FUND_HOLDER and not _decides(db, subject, number):
        raise NotForYou
    if record.owner is not None and is_own(db, staff, db.get_one(User, record.owner).household_id):
        raise NotForYou
    if subject == INQUIRY.name and not may_read(db, staff, db.get_one(Inquiry, number)):
        raise NotForYou
    shown_as = _shown_as(db, subject, number)
    return Gallery(
        subject,
        number,
        record.owner,
        [photo for kind, rows in shown_as for photo in kept_photos(db, kind, rows)],
        _count(db, shown_as, "owed"),
        _count(db, shown_as, "lost"),
    )


def record_gallery_access(
    db: Session, gallery: Gallery, staff_id: int, now: datetime, *, can_be_seen: bool = True
) -> None:
    """Record the look. One while pictures were still being fetched is another purpose, since it did not show all; so is
    one at which no file opened, or after which others were there (``can_be_seen``)."""
    record_reading(
        db,
        at=now,
        actor=f"staff:{staff_id}",
        subject=gallery.subject,
        subject_id=gallery.number,
        purpose="some_pictures" if gallery.coming or not can_be_seen else "pictures",
        about=gallery.about,
    )


def count_pictures(db: Session, subject: str, number: int) -> int:
    """Count the kept pictures that the subject's page shows."""
    return _count(db, _shown_as(db, subject, number), "kept")


def _count(db: Session, shown_as: Sequence[tuple[str, Sequence[int]]], state: str) -> int:
    return sum(
        db.scalar(select(func.count()).where(Photo.subject == kind, Photo.subject_id.in_(rows), Photo.state == state))
        or 0
        for kind, rows in shown_as
    )


def _decides(db: Session, subject: str, number: int) -> bool:
    """Tell whether the fund holder has to decide on it now: a charity is no authority, and may see it only then."""
    task = find_task(db, subject, number)
    return task is not None and task.role == By.FUND_HOLDER


def _task_subjects(db: Session, subject: str, number: int, owner: int | None) -> list[tuple[str, int]]:
    """List the subjects under which it may be an officer's task: an appeal also as its revision or update, a mandate
    also as the appeals and the case made with it."""
    waits = [(subject, number), *((part.name, row) for part, rows in _parts(db, subject, number) for row in rows)]
    if subject == "mandate" and owner is not None:
        theirs = select(ProxyAct).where(ProxyAct.user_id == owner, ProxyAct.mandate_id == number)
        acts = db.scalars(theirs).all()
        waits += [("appeal", act.subject_id) for act in acts if act.subject == "appeal"]
        case = newest_case_of(db, owner) if any(act.subject == "user" for act in acts) else None
        waits += [("case", case.id)] if case else []
    return waits


def _shown_as(db: Session, subject: str, number: int) -> list[tuple[str, Sequence[int]]]:
    """List the photo subjects and rows to show: a case shows its visits' photos, an appeal also its parts'."""
    shown = [(SUBJECTS[subject], [number]), *_parts(db, subject, number)]
    return [(photo, rows) for thing, rows in shown for photo in thing.photos]


def _parts(db: Session, subject: str, number: int) -> list[tuple[Subject, Sequence[int]]]:
    """List the rows of each kind of part that are shown with their parent."""
    return [
        (part, db.scalars(select(part.table.id).where(part.parent_id == number, part.shown)).all())
        for part in SUBJECTS.values()
        if part.shown is not None and part.parent is SUBJECTS[subject]
    ]
