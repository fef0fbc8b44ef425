"""Let officers decide which photos of a public appeal or listing everybody sees; owners and officers take them down.

Who may: the officers of the place without a tie to the household who neither wrote the appeal by mandate nor sell it,
once they have opened the photos as they are now.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.refusal import Refusal
from models.core.state_machine import Actor
from models.market.listing import Listing
from models.notifications.notify import notify_user
from models.outreach.update import Update
from models.people.photo import Photo
from models.public.album import APPEALS, LISTINGS, Album
from models.public.photos import PhotoReview, approves, recheck, thing_of
from models.staff.conflict_of_interest import conflicts_with
from models.staff.file_access import has_opened
from models.staff.member import Staff, nearest_first, notify_staff, seats_covering, serving
from models.staff.pictures_opened import PicturesNotOpened
from models.staff.turn import HasConflict, demand_no_conflict, demand_region

# Who is asked when an appeal or a listing becomes public: the first of these roles that has an officer without a tie.
_ASKED = ("village", "township", "county")


class PhotosNotPublic(Refusal):
    """The thing (``subject``) is not public (``state``), so none of its photos is."""

    code = "photos_not_public"


class NoSuchPhoto(Refusal):
    """The photo is not, or no longer, one of this thing's or of an appeal's published updates."""

    code = "no_such_photo"


class OwnerTookDown(Refusal):
    """The owner took this photo down, so no officer approves it again."""

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


def find_reviewable(db: Session, staff: Staff, number: int, album: Album = APPEALS) -> Any:
    """Return a public thing of the album on whose photos this officer may decide.

    Raises NoSuchAppeal or NoSuchThing, OutsideRegion, NotIdentified, HasConflict or PhotosNotPublic.
    """
    thing = album.get(db, number)
    matter = album.matter(db, thing)
    demand_region(db, staff, matter)
    demand_no_conflict(db, staff, matter)
    if reason := album.tied(db, thing).get(staff.id):
        raise HasConflict(subject=album.name, number=number, reason=reason)
    if not album.is_public(thing):
        raise PhotosNotPublic(subject=album.name, number=number, state=thing.state)
    return thing


def may_decide(db: Session, staff: Staff, number: int, album: Album = APPEALS) -> bool:
    """Tell whether ``find_reviewable`` would find the thing for this officer."""
    try:
        find_reviewable(db, staff, number, album)
    except Refusal:
        return False
    return True


def photos_of(db: Session, number: int, album: Album = APPEALS) -> dict[int, ReviewedPhoto]:
    """Map the kept photos of a thing, of an appeal also those of its published updates, by their ids."""
    found = (
        select(Photo.id, Photo.created_at, Update.kind)
        .outerjoin(Update, (Photo.subject == "update") & (Update.id == Photo.subject_id))
        .where(album.photos(number), Photo.state == "kept")
        .order_by(Photo.id)
    )
    rows = db.execute(found).all()
    standing = _standings(db, [row.id for row in rows])
    return {row.id: ReviewedPhoto(row.id, row.kind or album.name, row.created_at, standing[row.id]) for row in rows}


def count_undecided(db: Session, number: int, album: Album = APPEALS) -> int:
    """Count the photos of a public thing on which nobody has decided yet."""
    try:
        thing = album.get(db, number)
    except Refusal:
        return 0
    if not album.is_public(thing):
        return 0
    return sum(photo.standing == "undecided" for photo in photos_of(db, number, album).values())


def has_opened_photos(db: Session, staff: Staff, number: int, album: Album = APPEALS) -> bool:
    """Tell whether this officer has opened the thing's photos since any came or went."""
    own, others = album.changes(number)
    return has_opened(db, staff, album.name, number, purpose="pictures", changes=own, also=others)


def approve(
    db: Session, staff: Staff, number: int, photo_id: int, now: datetime, album: Album = APPEALS
) -> PhotoReview:
    """Approve a photo for the public: the officer has said twice that no child's face can be seen.

    Of two officers at once the second changes nothing. Returns the decision that stands. Raises as ``find_reviewable``,
    or NoSuchPhoto, PicturesNotOpened, OwnerTookDown or SawChild.
    """
    thing = _locked(db, staff, number, photo_id, album)
    live = _live(db, [photo_id])
    if live:
        return live[0]
    earlier = db.scalars(select(PhotoReview).where(PhotoReview.photo_id == photo_id)).all()
    if any(review.taken_back_at and review.taken_back_by is None for review in earlier):
        raise OwnerTookDown(subject=album.name, number=number)
    if any(review.verdict == "child" and review.decided_by == staff.id for review in earlier):
        raise SawChild(subject=album.name, number=number)
    review = _decide(db, staff, (album, number), photo_id, "approved", "no_child", now)
    facts = {"number": number, "title": thing.title, "count": 1, "reference": f"{album.name}:{number}"}
    key = f"{album.shown}:{review.id}"
    notify_user(db, thing.owner_id, album.shown, facts, key, now, about=(album.name, number))
    return review


def keep_back(
    db: Session,
    staff: Staff,
    number: int,
    photo_id: int,
    verdict: str,
    second_answer: str | None,
    now: datetime,
    album: Album = APPEALS,
) -> list[int]:
    """Decide that the public does not see a photo; an approval of it is taken back.

    ``verdict``: ``child`` or ``other``. Returns the decisions whose files are to be deleted. Raises as ``approve``,
    except OwnerTookDown and SawChild.
    """
    _locked(db, staff, number, photo_id, album)
    taken = _take_back(db, _live(db, [photo_id]), (album, number), staff.actor, now)
    _decide(db, staff, (album, number), photo_id, verdict, second_answer, now)
    return taken


def take_down(
    db: Session,
    staff: Staff | None,
    number: int,
    now: datetime,
    photo_id: int | None = None,
    album: Album = APPEALS,
) -> list[int]:
    """Take a thing's approved photos down, or one of them, for an officer of the place, or (None) for its owner.

    Returns the decisions whose files are to be deleted. Raises NoSuchAppeal or NoSuchThing, and for an officer
    OutsideRegion.
    """
    thing = album.lock(db, number)
    if staff:
        demand_region(db, staff, album.matter(db, thing))
    actor = staff.actor if staff else Actor.owner(thing.owner_id)
    photos = [each for each in photos_of(db, number, album) if photo_id in (None, each)]
    return _take_back(db, _live(db, photos), (album, number), actor, now)


def ask_officer(db: Session, thing: Any, now: datetime, album: Album = APPEALS) -> None:
    """Notify one officer of the place that a public thing's photos wait to be looked through for the public."""
    count = sum(photo.standing == "undecided" for photo in photos_of(db, thing.id, album).values())
    staff = _first_officer(db, thing, now, album) if count else None
    if staff:
        reference = f"{album.name}:{thing.id}"
        facts = {"number": thing.id, "title": thing.title, "count": count, "reference": reference}
        key = f"{album.waits}:{thing.id}:{now.timestamp()}"
        notify_staff(db, staff, album.waits, facts, key, now, (album.name, thing.id))


def listing_on_sale(db: Session, listing: Listing, now: datetime) -> None:
    """Ask an officer about the photos of a listing that everybody sees now, and show those that were approved."""
    ask_officer(db, listing, now, LISTINGS)
    recheck(db, listing.id, now, LISTINGS)


def listing_taken_down(db: Session, number: int, _state: str, now: datetime) -> None:
    """Have the copies of its photos deleted: nobody sees the listing any more."""
    recheck(db, number, now, LISTINGS)


def _first_officer(db: Session, thing: Any, now: datetime, album: Album) -> Staff | None:
    matter = album.matter(db, thing)
    tied = {**album.tied(db, thing)}
    if matter.household_id is not None:
        tied |= conflicts_with(db, matter.household_id)
    for role in _ASKED:
        theirs = (Staff.role == role) & seats_covering(matter.region_code, role) & serving(now)
        # Who looked at it before has opened its photos.
        seen = (Staff.id == album.seen_by(db, thing)).desc()
        order = [seen, *nearest_first(matter.region_code, role), Staff.id]
        for staff in db.scalars(select(Staff).where(theirs, Staff.id_hash.is_not(None)).order_by(*order)):
            if staff.id not in tied:
                return staff
    return None


def _locked(db: Session, staff: Staff, number: int, photo_id: int, album: Album) -> Any:
    """Lock the thing, by which decisions on its photos follow each other, and check who decides on what."""
    album.lock(db, number)
    thing = find_reviewable(db, staff, number, album)
    photo = db.get(Photo, photo_id)
    if photo is None or photo.state != "kept" or thing_of(db, photo) != (album, thing):
        raise NoSuchPhoto(subject=album.name, number=number)
    if not has_opened_photos(db, staff, number, album):
        raise PicturesNotOpened(subject=album.name, number=number, why="unseen", count=1)
    return thing


def _decide(
    db: Session,
    staff: Staff,
    of: tuple[Album, int],
    photo_id: int,
    verdict: str,
    second_answer: str | None,
    now: datetime,
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
    _record(db, of, staff.actor.name, "photo_approved" if approved else "photo_kept_back", review, now)
    return review


def _take_back(
    db: Session, reviews: Sequence[PhotoReview], of: tuple[Album, int], actor: Actor, now: datetime
) -> list[int]:
    for review in reviews:
        review.taken_back_at, review.check_at = now, now
        review.taken_back_by = int(actor.name.removeprefix("staff:")) if actor.name.startswith("staff:") else None
        _record(db, of, actor.name, "photo_taken_down", review, now)
    db.flush()
    return [review.id for review in reviews]


def _record(db: Session, of: tuple[Album, int], actor: str, action: str, review: PhotoReview, now: datetime) -> None:
    detail, (album, number) = f"photo:{review.photo_id}:{review.verdict}", of
    record(db, at=now, actor=actor, action=action, subject=album.name, subject_id=number, detail=detail)


def _live(db: Session, photos: Sequence[int]) -> Sequence[PhotoReview]:
    """Return the approvals of these photos that were not taken back. The caller holds the thing."""
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
