"""Forget an erased person's photos: those of their drafts and of all that is theirs."""

from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from models.core.leaver import Leaver
from models.core.subject import Subject
from models.disbursements.disbursement import DISBURSEMENT, TRANSFERRING, Disbursement
from models.people.photo import Photo
from models.subjects import SUBJECTS


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    """Mark them as ``gone``; a job deletes the files.

    Evidence of what was paid, or may be on its way, belongs to the accounts, and stays.
    """
    if leaver.conversation_id:
        _forget(db, "draft", [leaver.conversation_id], leaver)
    for subject in SUBJECTS.values() if leaver.user_id else ():
        for shown in subject.photos:
            _forget(db, shown, _owned(leaver, subject), leaver)


def _owned(leaver: Leaver, subject: Subject) -> Select[Any]:
    theirs = select(subject.table.id).where((subject.parent or subject).owner == leaver.user_id)
    if subject.parent:
        theirs = theirs.join(subject.parent.table, subject.parent.table.id == subject.parent_id)
    unpaid = Disbursement.paid_at.is_(None) & (Disbursement.state != TRANSFERRING)
    return theirs.where(unpaid) if subject is DISBURSEMENT else theirs


def _forget(db: Session, subject: str, ids: Any, leaver: Leaver) -> None:
    theirs = (Photo.subject == subject) & Photo.subject_id.in_(ids)
    found = update(Photo).where(theirs).values(state="gone", media_id="", pic_url="").returning(Photo.id, Photo.path)
    leaver.files.extend(sorted(number for number, path in db.execute(found) if path))
