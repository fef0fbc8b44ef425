"""Demand that whoever passes or pays a disbursement has opened its pictures since they last changed."""

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.core.refusal import Refusal
from models.people.photo import Photo
from models.staff.file_access import has_opened
from models.staff.member import Staff

# Step -> the subject of the photos that it decides on. The other steps ask the household, not its pictures.
_DECIDED_ON: Mapping[str, str] = {
    "use_endorse": "disbursement",
    "use_approve": "disbursement",
    "use_authorise": "disbursement",
    "use_pay": "disbursement",
    "use_acquit": "receipt",
}


class PicturesNotSeen(Refusal):
    """The member of staff has not opened the pictures of the disbursement ``use`` as they are now.

    ``why``: ``unseen``; ``coming``, while ``count`` of them are still being fetched; ``lost``, when none arrived.
    """

    code = "pictures_not_seen"


def demand_pictures_seen(db: Session, staff: Staff, number: int, step: str) -> None:
    """Check that this member of staff has opened the pictures that the step decides on. Raises PicturesNotSeen.

    Pictures that were erased with their owner hold nothing up.
    """
    if step not in _DECIDED_ON:
        return
    theirs = (Photo.subject == _DECIDED_ON[step]) & (Photo.subject_id == number)
    counted = select(Photo.state, func.count()).where(theirs).group_by(Photo.state)
    counts = dict(db.execute(counted).all())
    if counts.get("owed"):
        raise PicturesNotSeen(use=number, why="coming", count=counts["owed"])
    if not counts.get("kept"):
        if counts.get("lost"):
            raise PicturesNotSeen(use=number, why="lost", count=counts["lost"])
        return
    # Evidence is handed in with this move, receipts with this event; nothing else adds pictures.
    handed_in = (AuditEvent.to_state == "evidenced") | (AuditEvent.action == "receipts")
    if not has_opened(db, staff, "disbursement", number, purpose="pictures", changes=handed_in):
        raise PicturesNotSeen(use=number, why="unseen", count=counts["kept"])
