"""Keep photos: WeChat deletes them after three days, so a row is written at once and a job fetches the picture."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, Integer, Select, String, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.database import own_account

# The subject_id of a "draft" photo is the conversation's.
SUBJECTS = (
    "after_sale",
    "appeal",
    "disbursement",
    "draft",
    "goods_thanks",
    "listing",
    "mandate",
    "match",
    "number_claim",
    "offer",
    "organisation",
    "paper_erasure",
    "receipt",
    "report",
    "revision",
    "visit",
    "update",
)

# The job that is enqueued with the row fetches the photo at once; the sweep does where Redis lost it.
SWEPT_AFTER = timedelta(minutes=2)


def _first_sweep(context: Any) -> datetime:
    created: datetime = context.get_current_parameters()["created_at"]
    return created + SWEPT_AFTER


# Files from before 0.3, which are not sealed (bot.photos.files): the index is empty once they are.
_OPEN = "state = 'kept' AND right(path, 7) <> '.sealed'"


class Photo(Base):
    """``path``: in the storage of photos (bot.storage); state: owed -> kept, or lost when it cannot be fetched.

    ``gone``: the photo was removed or its owner erased; a job deletes the file and then clears ``path``.
    ``tries``: how often WeChat was asked for it and refused; ``try_at``: when the sweep asks next.
    """

    __tablename__ = "photos"
    id: Mapped[RowId]
    subject: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[int]
    media_id: Mapped[str] = mapped_column(String(200))
    pic_url: Mapped[str] = mapped_column(String(600))
    path: Mapped[str | None] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(8), default="owed")
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    try_at: Mapped[datetime] = mapped_column(default=_first_sweep, server_default=func.now())
    created_at: Mapped[datetime]
    account: Mapped[str | None] = mapped_column(String(64))
    """The official account that it was sent to, which alone hands it out; None where one serves the whole database."""
    copy_of: Mapped[int | None] = mapped_column(ForeignKey("photos.id"))
    """The photo whose picture it repeats: its file is copied, since WeChat no longer has it."""
    print: Mapped[int | None]
    """The picture's difference hash, as a signed 64-bit number; its four parts find similar pictures."""
    print_0: Mapped[int | None] = mapped_column(Integer, index=True)
    print_1: Mapped[int | None] = mapped_column(Integer, index=True)
    print_2: Mapped[int | None] = mapped_column(Integer, index=True)
    print_3: Mapped[int | None] = mapped_column(Integer, index=True)

    __table_args__ = (
        one_of("subject", SUBJECTS),
        one_of("state", ("gone", "kept", "lost", "owed")),
        Index(None, "subject", "subject_id"),
        Index(
            "ix_photos_owed",
            "try_at",
            postgresql_where=text("state = 'owed'"),
        ),
        Index("ix_photos_open", "id", postgresql_where=text(_OPEN)),
    )

    def is_of(self, account: str) -> bool:
        """Tell whether a program that serves this account (empty: every one) can fetch the photo."""
        return not account or self.account in (None, account)


FINGERPRINT_PARTS = (Photo.print_0, Photo.print_1, Photo.print_2, Photo.print_3)


def fingerprint_part(found: int, place: int) -> int:
    """Take every fourth bit of a fingerprint from ``place`` on: a sky, shared by many pictures, fills no part alone."""
    step = len(FINGERPRINT_PARTS)
    return sum((found >> bit & 1) << (bit // step) for bit in range(place, 64, step))


def fingerprint_columns(found: int | None) -> dict[str, int | None]:
    """Return the columns for a fingerprint: an unsigned 64-bit number, stored with a sign; None clears them."""
    columns = enumerate(FINGERPRINT_PARTS)
    parts = {column.key: None if found is None else fingerprint_part(found, place) for place, column in columns}
    return {"print": found - 2**64 if found is not None and found >= 2**63 else found, **parts}


def lies_open() -> ColumnElement[bool]:
    """Build the condition that a photo's file is not sealed, as its index has it."""
    return text(_OPEN)  # type: ignore[return-value]


def add_draft_photo(db: Session, conversation_id: int, picture: Mapping[str, str], now: datetime) -> int | None:
    """Add a draft's photo at once, because a draft may last longer than WeChat keeps the picture.

    Returns the new row's id, to be fetched; None when the photo was added before.
    """
    if db.scalar(_drafts(conversation_id, picture)):
        return None
    return _add(db, "draft", conversation_id, picture, now)


def attach_photos(
    db: Session,
    subject: str,
    subject_id: int,
    conversation_id: int,
    pictures: Iterable[Mapping[str, str]] | None,
    now: datetime,
) -> list[int]:
    """Move a finished draft's pictures, in the Photo reader's form, to the thing that was made of the draft.

    Returns the ids of rows added here, which have yet to be fetched: pictures that ``receive`` never added.
    """
    added = []
    for picture in pictures or ():
        received = db.scalar(_drafts(conversation_id, picture))
        if received:
            received.subject, received.subject_id = subject, subject_id
        else:
            added.append(_add(db, subject, subject_id, picture, now))
    db.flush()
    return added


def copy_photos(
    db: Session, subject: str, earlier: int, subject_id: int, pictures: Iterable[dict[str, str]], now: datetime
) -> tuple[list[int], list[dict[str, str]]]:
    """Give a thing the pictures that an earlier thing of its kind has, as photos of its own.

    Returns the ids of those to be fetched, and the other pictures, which the earlier thing does not have.
    """
    theirs = (Photo.subject == subject) & (Photo.subject_id == earlier) & Photo.state.in_(("kept", "owed"))
    sources = {photo.media_id: photo.id for photo in db.scalars(select(Photo).where(theirs))}
    copied, others = [], []
    for picture in pictures:
        if source := sources.get(picture["media_id"]):
            copied.append(_add(db, subject, subject_id, picture, now, source))
        else:
            others.append(picture)
    return copied, others


def kept_photos(db: Session, subject: str, subject_ids: Sequence[int]) -> Sequence[Photo]:
    """List the subjects' photos whose files have been fetched, in the order in which they were sent."""
    theirs = (Photo.subject == subject) & Photo.subject_id.in_(subject_ids) & (Photo.state == "kept")
    return db.scalars(select(Photo).where(theirs).order_by(Photo.id)).all()


def discard_draft_photos(db: Session, conversation_id: int, pictures: Iterable[Mapping[str, str]]) -> list[int]:
    """Mark a draft's pictures as gone; returns the ids of those whose files are to be deleted."""
    found = [photo for picture in pictures for photo in db.scalars(_drafts(conversation_id, picture))]
    for photo in found:
        photo.state = "gone"
    return [photo.id for photo in found if photo.path]


def pictures_of(db: Session, subject: str, subject_id: int) -> list[dict[str, str]]:
    """List a thing's pictures in the Photo reader's form, without lost and removed ones."""
    theirs = (Photo.subject == subject) & (Photo.subject_id == subject_id) & Photo.state.in_(("kept", "owed"))
    found = db.scalars(select(Photo).where(theirs).order_by(Photo.id))
    return [{"media_id": photo.media_id, "pic_url": photo.pic_url} for photo in found]


def replace_photos(
    db: Session,
    subject: str,
    subject_id: int,
    conversation_id: int,
    pictures: Iterable[Mapping[str, str]],
    now: datetime,
) -> tuple[list[int], list[int]]:
    """Replace a thing's pictures: keep those listed again, mark the others as gone, attach the new ones.

    Returns the ids of those to fetch (as ``attach`` does), and of those whose files are to be deleted.
    """
    wanted = {picture["media_id"]: picture for picture in pictures}
    theirs = (Photo.subject == subject) & (Photo.subject_id == subject_id) & (Photo.state != "gone")
    dropped = []
    for photo in db.scalars(select(Photo).where(theirs)).all():
        if wanted.pop(photo.media_id, None) is None:
            photo.state = "gone"
            dropped += [photo.id] if photo.path else []
    return attach_photos(db, subject, subject_id, conversation_id, wanted.values(), now), dropped


def _drafts(conversation_id: int, picture: Mapping[str, str]) -> Select[Photo]:
    theirs = (Photo.subject == "draft") & (Photo.subject_id == conversation_id) & (Photo.state != "gone")
    return select(Photo).where(theirs, Photo.media_id == picture["media_id"]).limit(1)


def _add(
    db: Session,
    subject: str,
    subject_id: int,
    picture: Mapping[str, str],
    now: datetime,
    copy_of: int | None = None,
) -> int:
    row = Photo(
        subject=subject,
        subject_id=subject_id,
        media_id=picture["media_id"],
        pic_url=picture["pic_url"],
        created_at=now,
        account=own_account(db) or None,
        copy_of=copy_of,
    )
    db.add(row)
    db.flush()
    return row.id
