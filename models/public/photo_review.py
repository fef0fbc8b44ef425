"""Let officers decide which photos of a published appeal the public sees, and owners and officers take photos down.

Who may: the officers of the place without a tie to the household who did not write the appeal by mandate, once they
have opened the photos as they are now.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, get_appeal, lock_appeal
from models.appeals.revision import Revision
from models.core.audit_trail import AuditEvent, record
from models.core.refusal import Refusal
from models.core.state_machine import Actor
from models.notifications.notify import notify_user
from models.outreach.update import Update
from models.people.photo import Photo
from models.proxy.mandate import ACTED, acted_for
from models.public.photos import PhotoReview, appeal_of, approves, is_public, of_appeal
from models.staff.conflict_of_interest import conflicts_with
from models.staff.file_access import has_opened
from models.staff.member import Staff, nearest_first, notify_staff, seats_covering, serving, spread_to_all_seats
from models.staff.pictures_opened import PicturesNotOpened
from models.staff.turn import HasConflict, demand_no_conflict, demand_region

# Who is asked when an appeal is published: the first of these roles that has an officer without a tie.
_ASKED = ("village", "township", "county")


class PhotosNotPublic(Refusal):
    """The appeal is not public (``state``), so none of its photos is."""

    code = "photos_not_public"


class NoSuchPhoto(Refusal):
    """The photo is not, or no longer, one of this appeal's or of its published updates."""

    code = "no_such_photo"


class OwnerTookDown(Refusal):
    """The appeal's owner took this photo down, so no officer approves it again."""

    code = "owner_took_down"


class SawChild(Refusal):
    """This officer saw a child's face in the photo, so only another may approve it."""

    code = "saw_child"


@dataclass(frozen=True, slots=True)
class ReviewedPhoto:
    """A photo as officers choose from. ``kind``: as in ShownPhoto.

    ``standing``: ``undecided``, ``approved``, ``child``, ``other``, ``taken_down`` by an officer, or by its owner
    (``by_owner``).
    """

    id: int
    kind: str
    at: datetime
    standing: str


def find_reviewable(db: Session, staff: Staff, number: int) -> Appeal:
    """Return a public appeal on whose photos this officer may decide.

    Raises NoSuchAppeal, OutsideRegion, NotIdentified, HasConflict or PhotosNotPublic.
    """
    appeal = get_appeal(db, number)
    demand_region(db, staff, appeal.matter)
    demand_no_conflict(db, staff, appeal.matter)
    if reason := _by_mandate(db, appeal).get(staff.id):
        raise HasConflict(subject="appeal", number=number, reason=reason)
    if not is_public(appeal):
        raise PhotosNotPublic(number=number, state=appeal.state)
    return appeal


def may_decide(db: Session, staff: Staff, number: int) -> bool:
    """Tell whether ``find_reviewable`` would find the appeal for this officer."""
    try:
        find_reviewable(db, staff, number)
    except Refusal:
        return False
    return True


def photos_of(db: Session, number: int) -> dict[int, ReviewedPhoto]:
    """Map the kept photos of an appeal and of its published updates by their ids."""
    found = (
        select(Photo.id, Photo.created_at, Update.kind)
        .outerjoin(Update, (Photo.subject == "update") & (Update.id == Photo.subject_id))
        .where(of_appeal(number), Photo.state == "kept")
        .order_by(Photo.id)
    )
    rows = db.execute(found).all()
    standing = _standings(db, [row.id for row in rows])
    return {row.id: ReviewedPhoto(row.id, row.kind or "appeal", row.created_at, standing[row.id]) for row in rows}


def count_undecided(db: Session, number: int) -> int:
    """Count the photos of a public appeal on which nobody has decided yet."""
    appeal = db.get(Appeal, number)
    if appeal is None or not is_public(appeal):
        return 0
    return sum(photo.standing == "undecided" for photo in photos_of(db, number).values())


def has_opened_photos(db: Session, staff: Staff, number: int) -> bool:
    """Tell whether this officer has opened the appeal's photos since any came or went."""
    updates = select(Update.id).where(Update.appeal_id == number)
    revisions = select(Revision.id).where(Revision.appeal_id == number)
    event = AuditEvent
    # A published update's photos are those that it was submitted with.
    moved = (event.action == "moved") & (event.to_state != "published")
    told = (event.subject == "update") & event.subject_id.in_(updates)
    told &= or_(event.action.in_(("told", "thanked")), moved)
    revised = (event.subject == "revision") & event.subject_id.in_(revisions) & (event.action == "moved")
    # Handed in anew, it has other photos.
    own = or_(event.action == "revised", (event.action == "moved") & (event.to_state == "submitted"))
    return has_opened(db, staff, "appeal", number, purpose="pictures", changes=own, also=or_(told, revised))


def approve(db: Session, staff: Staff, number: int, photo_id: int, now: datetime) -> PhotoReview:
    """Approve a photo for the public: the officer has said twice that no child's face can be seen.

    Of two officers at once the second changes nothing. Returns the decision that stands. Raises as ``find_reviewable``,
    or NoSuchPhoto, PicturesNotOpened, OwnerTookDown or SawChild.
    """
    appeal = _locked(db, staff, number, photo_id)
    live = _live(db, [photo_id])
    if live:
        return live[0]
    earlier = db.scalars(select(PhotoReview).where(PhotoReview.photo_id == photo_id)).all()
    if any(review.taken_back_at and review.taken_back_by is None for review in earlier):
        raise OwnerTookDown(number=number)
    if any(review.verdict == "child" and review.decided_by == staff.id for review in earlier):
        raise SawChild(number=number)
    review = _decide(db, staff, appeal, photo_id, "approved", "no_child", now)
    facts = {"number": number, "title": appeal.title, "count": 1}
    key = f"photos_public:{review.id}"
    notify_user(db, appeal.owner_id, "photos_public", facts, key, now, about=("appeal", number))
    return review


def keep_back(
    db: Session, staff: Staff, number: int, photo_id: int, verdict: str, second_answer: str | None, now: datetime
) -> list[int]:
    """Decide that the public does not see a photo; an approval of it is taken back.

    ``verdict``: ``child`` or ``other``. Returns the decisions whose files are to be deleted. Raises as ``approve``,
    except OwnerTookDown and SawChild.
    """
    appeal = _locked(db, staff, number, photo_id)
    taken = _take_back(db, _live(db, [photo_id]), appeal, staff.actor, now)
    _decide(db, staff, appeal, photo_id, verdict, second_answer, now)
    return taken


def take_down(db: Session, staff: Staff | None, number: int, now: datetime, photo_id: int | None = None) -> list[int]:
    """Take an appeal's approved photos down, or one of them, for an officer of the place, or (None) for its owner.

    Returns the decisions whose files are to be deleted. Raises NoSuchAppeal, and for an officer OutsideRegion.
    """
    appeal = lock_appeal(db, number)
    if staff:
        demand_region(db, staff, appeal.matter)
    actor = staff.actor if staff else Actor.owner(appeal.owner_id)
    photos = [each for each in photos_of(db, number) if photo_id in (None, each)]
    return _take_back(db, _live(db, photos), appeal, actor, now)


def ask_officer(db: Session, appeal: Appeal, now: datetime) -> None:
    """Notify one officer of the place that a published appeal's photos wait to be looked through for the public."""
    count = len(photos_of(db, appeal.id))
    staff = _first_officer(db, appeal, now) if count else None
    if staff:
        facts = {"number": appeal.id, "title": appeal.title, "count": count}
        key = f"photos_wait:{appeal.id}:{now.timestamp()}"
        notify_staff(db, staff, "photos_wait", facts, key, now, ("appeal", appeal.id))


def _first_officer(db: Session, appeal: Appeal, now: datetime) -> Staff | None:
    tied = {**conflicts_with(db, appeal.household_id), **_by_mandate(db, appeal)}
    for role in _ASKED:
        theirs = (Staff.role == role) & seats_covering(appeal.region_code, role) & serving(now)
        # Who endorsed it has opened its photos.
        order = [(Staff.id == (appeal.endorsed_by or 0)).desc(), *nearest_first(appeal.region_code, role), Staff.id]
        for staff in db.scalars(select(Staff).where(theirs, Staff.id_hash.is_not(None)).order_by(*order)):
            if staff.id not in tied:
                return staff
    return None


def _by_mandate(db: Session, appeal: Appeal) -> Mapping[int, str]:
    """Map the seats of who wrote the appeal by mandate, and so took its photos, to that reason."""
    acted = acted_for(db, "appeal", appeal.id, appeal.household_id)
    return dict.fromkeys(spread_to_all_seats(db, acted), ACTED)


def _locked(db: Session, staff: Staff, number: int, photo_id: int) -> Appeal:
    """Lock the appeal, by which decisions on its photos follow each other, and check who decides on what."""
    lock_appeal(db, number)
    appeal = find_reviewable(db, staff, number)
    photo = db.get(Photo, photo_id)
    if photo is None or photo.state != "kept" or appeal_of(db, photo) is not appeal:
        raise NoSuchPhoto(number=number)
    if not has_opened_photos(db, staff, number):
        raise PicturesNotOpened(subject="appeal", number=number, why="unseen", count=1)
    return appeal


def _decide(
    db: Session, staff: Staff, appeal: Appeal, photo_id: int, verdict: str, second_answer: str | None, now: datetime
) -> PhotoReview:
    approved = verdict == "approved"
    review = PhotoReview(
        photo_id=photo_id,
        verdict=verdict,
        second_answer=second_answer,
        decided_by=staff.id,
        decided_at=now,
        name=secrets.token_hex(16) if approved else None,
        check_at=now if approved else None,
    )
    db.add(review)
    db.flush()
    _record(db, appeal, staff.actor.name, "photo_approved" if approved else "photo_kept_back", review, now)
    return review


def _take_back(db: Session, reviews: Sequence[PhotoReview], appeal: Appeal, actor: Actor, now: datetime) -> list[int]:
    for review in reviews:
        review.taken_back_at, review.check_at = now, now
        review.taken_back_by = int(actor.name.removeprefix("staff:")) if actor.name.startswith("staff:") else None
        _record(db, appeal, actor.name, "photo_taken_down", review, now)
    db.flush()
    return [review.id for review in reviews]


def _record(db: Session, appeal: Appeal, actor: str, action: str, review: PhotoReview, now: datetime) -> None:
    detail = f"photo:{review.photo_id}:{review.verdict}"
    record(db, at=now, actor=actor, action=action, subject="appeal", subject_id=appeal.id, detail=detail)


def _live(db: Session, photos: Sequence[int]) -> Sequence[PhotoReview]:
    """Return the approvals of these photos that were not taken back. The caller holds the appeal."""
    found = select(PhotoReview).where(PhotoReview.photo_id.in_(photos), approves()).order_by(PhotoReview.id)
    return db.scalars(found.with_for_update()).all()


def _standings(db: Session, photos: Sequence[int]) -> dict[int, str]:
    """Map photos to how they stand by their newest decision."""
    standing = dict.fromkeys(photos, "undecided")
    for review in db.scalars(select(PhotoReview).where(PhotoReview.photo_id.in_(photos)).order_by(PhotoReview.id)):
        taken = review.taken_back_at is not None
        by = "taken_down" if review.taken_back_by else "by_owner"
        standing[review.photo_id] = by if taken else review.verdict
    return standing
