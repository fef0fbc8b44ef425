"""Demand that whoever decides on what was handed in with photos has opened them."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.core.refusal import Refusal
from models.people.photo import Photo
from models.staff.file_access import has_opened
from models.staff.member import Staff


class NotOpened(Refusal):
    """The officer has not opened the photos of the thing (``subject``, ``number``).

    ``why``: ``unseen``; ``coming``, while ``count`` of them are still being fetched; ``lost``, when none arrived.
    """

    code = "not_opened"


def demand_opened(db: Session, staff: Staff, subject: str, number: int) -> None:
    """Check that this officer has opened all photos that arrived; they were handed in with the thing. Raises NotOpened.

    Without any picture nothing is decided, since there would be nothing to decide it on.
    """
    theirs = (Photo.subject == subject) & (Photo.subject_id == number)
    counts = dict(db.execute(select(Photo.state, func.count()).where(theirs).group_by(Photo.state)).all())
    if counts.get("owed"):
        raise NotOpened(subject=subject, number=number, why="coming", count=counts["owed"])
    if not counts.get("kept"):
        raise NotOpened(subject=subject, number=number, why="lost", count=counts.get("lost", 0))
    handed_in = AuditEvent.action == "asked"
    if not has_opened(db, staff, subject, number, purpose="pictures", changes=handed_in):
        raise NotOpened(subject=subject, number=number, why="unseen", count=counts["kept"])
