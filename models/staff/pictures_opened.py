"""Check that an officer who decides on pictures has opened them as they are now."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from models.core.refusal import Refusal
from models.people.photo import Photo
from models.staff.file_access import has_opened
from models.staff.member import Staff


class PicturesNotOpened(Refusal):
    """The officer has not opened the pictures of the thing (``subject``, ``number``) as they are now.

    ``why``: ``unseen``; ``coming``, while ``count`` of them are still being fetched; ``lost``, when none arrived.
    """

    code = "pictures_not_opened"


def demand_opened(
    db: Session,
    staff: Staff,
    subject: str,
    number: int,
    *,
    changes: ColumnElement[bool],
    photos: Sequence[str] = (),
    needs_one: bool = False,
) -> None:
    """Check that this officer has opened all pictures that arrived since the thing's last event of kind ``changes``.

    ``photos``: the subjects that the pictures are kept under, where these are not the thing's own. ``needs_one``:
    without a single picture there would be nothing to decide on. Raises PicturesNotOpened.
    """
    theirs = Photo.subject.in_(photos or (subject,)) & (Photo.subject_id == number)
    counts = dict(db.execute(select(Photo.state, func.count()).where(theirs).group_by(Photo.state)).all())
    if counts.get("owed"):
        why = "coming"
    elif counts.get("kept"):
        why = "" if has_opened(db, staff, subject, number, purpose="pictures", changes=changes) else "unseen"
    else:
        why = "lost" if needs_one or counts.get("lost") else ""
    if why:
        count = counts.get("owed") or counts.get("kept") or counts.get("lost", 0)
        raise PicturesNotOpened(subject=subject, number=number, why=why, count=count)
