"""Find image matches: pictures that two households have shown and that look alike."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.flag import raise_flag
from models.people.photo import FINGERPRINT_PARTS, Photo, fingerprint_part
from models.subjects import SUBJECTS, records_of

# Two prints of one picture differ by at most so many bits: fewer than a print has parts, so one part is equal.
NEAR = 3
MOST_MATCHES = 20
# At most so many rows are read for one equal part: a part that more share is common, and other parts decide.
MOST_COMPARED = 1_000

# The subjects of photos that are compared.
_COMPARED = ("appeal", "revision", "visit", "mandate")


@dataclass(frozen=True, slots=True)
class ImageMatch:
    """An image match: another household's photo, and the appeal, case or mandate that it belongs to."""

    photo_id: int
    subject: str
    number: int


def find_matches(db: Session, photo_id: int) -> list[ImageMatch]:
    """List the matches of a picture from other households, appeals first, then the newest, at most MOST_MATCHES."""
    photo = db.execute(select(Photo.subject, Photo.subject_id, Photo.print).where(Photo.id == photo_id)).first()
    if photo is None or photo.print is None or photo.subject not in _COMPARED:
        return []
    own = records_of(db, photo.subject, [photo.subject_id]).get(photo.subject_id)
    near = _near(db, photo_id, photo.print, _COMPARED)
    found = []
    for subject in _COMPARED:
        theirs = [(other, row) for other, kind, row in near if kind == subject]
        owners = records_of(db, subject, [row for _, row in theirs]) if theirs else {}
        name = (SUBJECTS[subject].parent or SUBJECTS[subject]).name
        for other, row in theirs:
            thing = owners.get(row)
            if thing and own and thing.household != own.household:
                found.append(ImageMatch(other, name, thing.number))
    return sorted(found, key=lambda match: (match.subject != "appeal", -match.photo_id))[:MOST_MATCHES]


def other_sellers(db: Session, listing: int) -> list[int]:
    """List the listings of other households whose photos match one of this listing's, the newest first."""
    of_listing = (Photo.subject == "listing") & (Photo.state == "kept") & Photo.print.is_not(None)
    own = records_of(db, "listing", [listing])[listing].household
    found: set[int] = set()
    for photo in db.execute(select(Photo.id, Photo.print).where(of_listing, Photo.subject_id == listing)).all():
        found |= {number for _, _, number in _near(db, photo.id, photo.print or 0, ("listing",))}
    theirs = records_of(db, "listing", found) if found else {}
    return sorted((number for number, record in theirs.items() if record.household != own), reverse=True)


def flag_matches(db: Session, photo_ids: Iterable[int], now: datetime) -> None:
    """Flag an appeal as ``photo_reused`` if pictures of it or its revision match others; ignore all other pictures."""
    for photo_id in photo_ids:
        shown = db.execute(select(Photo.subject, Photo.subject_id).where(Photo.id == photo_id)).first()
        if shown is None or shown.subject not in ("appeal", "revision"):
            continue
        appeal = records_of(db, shown.subject, [shown.subject_id]).get(shown.subject_id)
        if appeal is None:
            continue
        for match in find_matches(db, photo_id):
            item = str(match.number) if match.subject == "appeal" else f"{match.subject}:{match.number}"
            raise_flag(db, appeal.number, "photo_reused", item, now)


def _near(db: Session, photo_id: int, found: int, subjects: Collection[str]) -> list[tuple[int, str, int]]:
    """Return (photo, subject, row) of every kept picture with a print near ``found``, the print of this photo."""
    near = {}
    others = (Photo.id != photo_id) & (Photo.state == "kept") & Photo.subject.in_(subjects)
    for place, column in enumerate(FINGERPRINT_PARTS):
        same = select(Photo.id, Photo.subject, Photo.subject_id, Photo.print).where(
            others, column == fingerprint_part(found, place)
        )
        for other, subject, row, its in db.execute(same.limit(MOST_COMPARED)):
            if its is not None and ((found ^ its) & (2**64 - 1)).bit_count() <= NEAR:
                near[other] = (other, subject, row)
    return list(near.values())
