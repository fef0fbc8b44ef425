"""Visits: an officer records where a household lives, what they saw, and how they assess its need."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import asin, cos, radians, sin, sqrt
from statistics import median
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, SmallInteger, String, select, true, type_coerce
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId
from models.core.encryption import CannotOpen, Encrypted, keyring
from models.core.refusal import Refusal
from models.core.subject import Subject
from models.staff.member import Staff
from models.verification.case import CASE, Verification

_PLACE = Encrypted("visit place")
_EARTH_KM = 6371.0
# A visit further than FAR_KM from the median place of the last EARLIER visits of its village is flagged.
EARLIER = 20
FAR_KM = 30.0

Point = tuple[float, float]
"""Degrees of latitude and longitude."""


class OtherCounty(Refusal):
    """The location names another county or city (``named``) than the household's county (``county``)."""

    code = "other_county"
    step = "place"


class VisitOver(Refusal):
    """A colleague recorded the visit while the officer was writing, or it is no longer the officer's task."""

    code = "visit_over"
    final = True


class Visit(Base):
    """A recorded visit. ``place`` and ``assessment``: JSON; ``score``: the assessment's sum (config/assessment.toml).

    ``supports``: the officer found the household in need. ``flags``: codes that the township should check,
    comma-separated.
    """

    __tablename__ = "visits"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    verification_id: Mapped[int] = mapped_column(ForeignKey("verifications.id"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]
    place: Mapped[str] = mapped_column(_PLACE)
    assessment: Mapped[str] = mapped_column(Encrypted("visit assessment"))
    findings: Mapped[str] = mapped_column(Encrypted("visit findings"))
    score: Mapped[int] = mapped_column(SmallInteger)
    supports: Mapped[bool]
    flags: Mapped[str | None] = mapped_column(String(120))


VISIT = Subject("visit", Visit, parent=CASE, parent_id=Visit.verification_id, photos=("visit",), shown=true())


@dataclass(frozen=True, slots=True)
class VisitReport:
    """An officer's answers about a visit. ``place``: latitude, longitude, label. ``flags``: codes about the place."""

    draft_id: str
    place: Mapping[str, Any]
    assessment: Mapping[str, Any]
    findings: str
    score: int
    supports: bool
    flags: Sequence[str] = ()


def find_visit(db: Session, draft_id: str) -> Visit | None:
    return db.scalar(select(Visit).where(Visit.draft_id == draft_id))


def record_visit(db: Session, case: Verification, staff: Staff, seen: VisitReport, now: datetime) -> Visit:
    """Store the visit, flagged ``far`` if its place is far from the earlier ones (``is_far``).

    It does not move the case; models.verification.decisions.move_after_visit does.
    """
    here = (float(seen.place["latitude"]), float(seen.place["longitude"]))
    flags = [*seen.flags, *(["far"] if is_far(here, earlier_places(db, case.region_code)) else [])]
    visit = Visit(
        draft_id=seen.draft_id,
        verification_id=case.id,
        staff_id=staff.id,
        at=now,
        place=json.dumps(dict(seen.place), ensure_ascii=False),
        assessment=json.dumps(dict(seen.assessment), ensure_ascii=False),
        findings=seen.findings,
        score=seen.score,
        supports=seen.supports,
        flags=",".join(flags) or None,
    )
    db.add(visit)
    db.flush()
    return visit


def earlier_places(db: Session, region_code: str) -> list[Point]:
    """Return the places of the last visits to households of this region (a village, or a township without one)."""
    found = (
        select(type_coerce(Visit.place, LargeBinary))
        .join(Verification, Verification.id == Visit.verification_id)
        .where(Verification.region_code == region_code)
        .order_by(Visit.id.desc())
        .limit(EARLIER)
    )
    return [point for sealed in db.scalars(found) if (point := _opened(bytes(sealed)))]


def is_far(here: Point, earlier: Sequence[Point]) -> bool:
    """Tell whether a place is further than FAR_KM from the median of the earlier ones; False without earlier ones."""
    if not earlier:
        return False
    middle = (median(point[0] for point in earlier), median(point[1] for point in earlier))
    return distance_km(here, middle) > FAR_KM


def distance_km(one: Point, other: Point) -> float:
    """Compute the distance along the ground, by the haversine formula on a spherical earth."""
    latitude, longitude = radians(other[0] - one[0]), radians(other[1] - one[1])
    chord = sin(latitude / 2) ** 2 + cos(radians(one[0])) * cos(radians(other[0])) * sin(longitude / 2) ** 2
    return 2 * _EARTH_KM * asin(min(1.0, sqrt(chord)))


def _opened(sealed: bytes) -> Point | None:
    """Open a sealed place. None if it does not open or was erased: the others must still be compared."""
    try:
        place = json.loads(keyring().open(sealed, _PLACE.purpose))
    except (CannotOpen, ValueError):
        return None
    return (float(place["latitude"]), float(place["longitude"])) if place else None
