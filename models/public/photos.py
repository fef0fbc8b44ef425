"""Keep which photos of appeals and listings the public may see: an officer decides on each, and what is not approved is
not shown.

A photo is shown from copies of its own (bot.photos.public_copies), which carry a random name, while it is approved, its
file is kept, and the page of its appeal or listing is open.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, String, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import Appeal
from models.core.base import Base, RowId, one_of
from models.market.listing import Listing
from models.outreach.update import Update
from models.people.photo import Photo
from models.public.album import APPEALS, LISTINGS, Album

VERDICTS = ("approved", "child", "other")
# The widths of the copies: a phone's, and a large screen's.
WIDTHS = (640, 1_280)
FORMATS = ("webp", "jpeg")
# How long until the sweep compares the files with what may be shown: again, and where a job was just enqueued.
RECHECKED, RETRIED = timedelta(hours=12), timedelta(minutes=5)

_LIVE_APPROVAL = text("verdict = 'approved' AND taken_back_at IS NULL")


class PhotoReview(Base):
    """An officer's decision whether the public sees a photo; the newest counts.

    ``verdict``: ``child``, a child's face can be seen; ``other``, it is kept back for another reason.
    ``second_answer``: to the question about a child's face when it is asked again in other words; None: it was not.
    ``taken_back_by``: the officer; None where ``taken_back_at`` is set: the owner.
    ``name``: of its files, random. ``made_at``: when they were written; None: there are none. ``width`` and ``height``:
    of the picture. ``check_at``: when the sweep compares the files with what may be shown; None: never again.
    """

    __tablename__ = "photo_reviews"
    id: Mapped[RowId]
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id"), index=True)
    verdict: Mapped[str] = mapped_column(String(8))
    second_answer: Mapped[str | None] = mapped_column(String(8))
    decided_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime]
    taken_back_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    taken_back_at: Mapped[datetime | None]
    name: Mapped[str | None] = mapped_column(String(32), unique=True)
    width: Mapped[int | None]
    height: Mapped[int | None]
    made_at: Mapped[datetime | None]
    check_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("verdict", VERDICTS),
        one_of("second_answer", ("child", "no_child")),
        CheckConstraint(
            "verdict <> 'approved' OR (second_answer IS NOT NULL AND second_answer = 'no_child')", name="asked_twice"
        ),
        CheckConstraint("(verdict = 'approved') = (name IS NOT NULL)", name="named_if_approved"),
        CheckConstraint("made_at IS NULL OR (width > 0 AND height > 0)", name="made_with_a_size"),
        Index("uq_photo_reviews_one_live", "photo_id", unique=True, postgresql_where=_LIVE_APPROVAL),
        Index("ix_photo_reviews_check_at", "check_at", postgresql_where=text("check_at IS NOT NULL")),
    )

    @property
    def is_live(self) -> bool:
        """Tell whether it approves the photo and was not taken back."""
        return self.verdict == "approved" and self.taken_back_at is None


@dataclass(frozen=True, slots=True)
class ShownPhoto:
    """A photo that the public may see. ``page``: the path of the page that shows it (``/a/12``).

    ``kind``: ``appeal``, ``listing``, or ``progress`` or ``thanks`` of an update. ``sizes``: (width, height) of each
    copy, the smaller first. ``at``: when it was sent.
    """

    page: str
    name: str
    kind: str
    at: datetime
    sizes: Sequence[tuple[int, int]]

    @property
    def largest(self) -> tuple[int, int]:
        return self.sizes[-1]


def sizes_of(width: int, height: int) -> list[tuple[int, int]]:
    """Return the sizes of a picture's copies, the smaller first: of WIDTHS, and never larger than the picture."""
    widths = sorted({min(width, each) for each in WIDTHS})
    return [(each, max(1, round(each * height / width))) for each in widths]


def file_name(name: str, width: int, kind: str) -> str:
    """Name the file of one copy. ``kind``: one of FORMATS."""
    return f"{name}-{width}.{'jpg' if kind == 'jpeg' else kind}"


def are_shown(db: Session, thing: Any, now: datetime, album: Album = APPEALS) -> bool:
    """Tell whether the public sees the approved photos of this thing now: its page is open."""
    return album.is_public(thing) and album.is_open(db, thing, now)


def public_photos(db: Session, number: int, now: datetime) -> list[ShownPhoto]:
    """List the photos of an appeal and of its published updates that may be shown now, in the order they were sent."""
    appeal = db.get(Appeal, number)
    if appeal is None or not are_shown(db, appeal, now):
        return []
    return copied_photos(db, number)


def copied_photos(db: Session, number: int, album: Album = APPEALS) -> list[ShownPhoto]:
    """List a thing's photos that have copies, for a caller that has asked whether they may be shown."""
    rows = db.execute(
        select(PhotoReview, Photo.created_at, Update.kind)
        .join(Photo, Photo.id == PhotoReview.photo_id)
        .outerjoin(Update, (Photo.subject == "update") & (Update.id == Photo.subject_id))
        .where(album.photos(number), Photo.state == "kept", approves(), PhotoReview.made_at.is_not(None))
        .order_by(Photo.id)
    )
    page = f"/{album.path}/{number}"
    return [
        ShownPhoto(page, str(review.name), kind or album.name, sent_at, _sizes(review))
        for review, sent_at, kind in rows
    ]


def count_approved(db: Session, number: int, album: Album = APPEALS) -> int:
    """Count the approved photos of a thing, whether its page is open or not."""
    return len(approved_photos(db, number, album))


def approved_photos(db: Session, number: int, album: Album = APPEALS) -> Sequence[Photo]:
    """List the approved photos of a thing, whether its page is open or not, in the order they were sent."""
    mine = select(Photo).join(PhotoReview, PhotoReview.photo_id == Photo.id)
    return db.scalars(mine.where(album.photos(number), Photo.state == "kept", approves()).order_by(Photo.id)).all()


def approves() -> ColumnElement[bool]:
    """Build the condition that a decision approves its photo and was not taken back: ``PhotoReview.is_live``."""
    return (PhotoReview.verdict == "approved") & PhotoReview.taken_back_at.is_(None)


def may_be_shown(db: Session, review: PhotoReview, now: datetime) -> bool:
    """Tell whether the public may see the photo now by this decision."""
    return _shown_in(db, review, now) is not None


def _shown_in(db: Session, review: PhotoReview, now: datetime) -> tuple[Album, int] | None:
    """Return the album and the number of the thing on whose page the photo may be seen now; None where it may not."""
    photo = db.get(Photo, review.photo_id)
    found = thing_of(db, photo) if photo and photo.state == "kept" and review.is_live else None
    return (found[0], found[1].id) if found and are_shown(db, found[1], now, found[0]) else None


def recheck(db: Session, number: int, now: datetime, album: Album = APPEALS) -> list[int]:
    """Have the files of a thing's approved photos compared with what may be shown: its page has opened or closed.

    Returns the decisions; the sweep finds them within a minute.
    """
    photos = select(Photo.id).where(album.photos(number))
    due = update(PhotoReview).where(PhotoReview.photo_id.in_(photos), approves()).values(check_at=now)
    return sorted(db.scalars(due.returning(PhotoReview.id)))


def appeal_of(db: Session, photo: Photo) -> Appeal | None:
    """Return the published appeal whose photo it is, by itself or by a published update; None of any other photo."""
    number: int | None = photo.subject_id if photo.subject == "appeal" else None
    if photo.subject == "update":
        told = db.get(Update, photo.subject_id)
        number = told.appeal_id if told and told.state == "published" else None
    appeal = db.get(Appeal, number) if number else None
    return appeal if appeal and appeal.published_at else None


def thing_of(db: Session, photo: Photo) -> tuple[Album, Any] | None:
    """Return the album that the photo is in and the appeal or listing whose it is; None of any other photo."""
    if photo.subject == LISTINGS.name:
        listing = db.get(Listing, photo.subject_id)
        return (LISTINGS, listing) if listing else None
    appeal = appeal_of(db, photo)
    return (APPEALS, appeal) if appeal else None


def is_served(db: Session, number: int, name: str, file: str, now: datetime, album: Album = APPEALS) -> bool:
    """Tell whether this file of the copies named ``name`` may be sent to anybody as one of this thing's."""
    review = db.scalar(select(PhotoReview).where(PhotoReview.name == name))
    if review is None or review.made_at is None or file not in files_of(review):
        return False
    return _shown_in(db, review, now) == (album, number)


def files_of(review: PhotoReview) -> list[str]:
    """Name all files of the copies that were made for this decision."""
    if review.name is None or review.width is None:
        return []
    return [file_name(review.name, width, kind) for width, _ in _sizes(review) for kind in FORMATS]


def lock_review(db: Session, number: int) -> PhotoReview | None:
    return db.get(PhotoReview, number, with_for_update=True, populate_existing=True)


def settle(db: Session, review: PhotoReview, now: datetime, size: tuple[int, int] | None) -> None:
    """Record that the files are there (``size``: of the picture) or gone (None), and when to compare again.

    What is never shown again is left alone from now on.
    """
    review.made_at = (review.made_at or now) if size else None
    review.width, review.height = size or (None, None)
    photo = db.get(Photo, review.photo_id)
    found = thing_of(db, photo) if photo else None
    lasts = review.is_live and photo is not None and photo.state == "kept"
    lasts = lasts and found is not None and found[0].may_return(db, found[1], now)
    review.check_at = now + RECHECKED if lasts else None
    db.flush()


def claim_due(db: Session, now: datetime, most: int) -> list[int]:
    """Return decisions whose files are to be compared now, the longest due first; they are due again in a while."""
    due = select(PhotoReview.id).where(PhotoReview.check_at <= now).order_by(PhotoReview.check_at).limit(most)
    claimed = update(PhotoReview).where(PhotoReview.id.in_(due.with_for_update(skip_locked=True)))
    return sorted(db.scalars(claimed.values(check_at=now + RETRIED).returning(PhotoReview.id)))


def reviews_of_photo(db: Session, photo_id: int) -> list[int]:
    """List the decisions that approved this photo, ever."""
    return list(
        db.scalars(select(PhotoReview.id).where(PhotoReview.photo_id == photo_id, PhotoReview.name.is_not(None)))
    )


def known_names(db: Session, names: Iterable[str]) -> set[str]:
    """Return those of the names whose files are to be there."""
    made = PhotoReview.made_at.is_not(None)
    return {str(name) for name in db.scalars(select(PhotoReview.name).where(PhotoReview.name.in_(list(names)), made))}


def _sizes(review: PhotoReview) -> list[tuple[int, int]]:
    return sizes_of(review.width or 1, review.height or 1)
