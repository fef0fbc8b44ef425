"""The public notice: which households stand on it, as everyone may read it.

A household stays on it until the notice ends, also during an objection: the public must not see that there is one.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import LargeBinary, Row, select, type_coerce
from sqlalchemy.orm import Session

from models.core.calendar import CHINA
from models.core.encryption import CannotOpen, keyring, purpose_of
from models.core.paging import Page, page_of
from models.people.user import User
from models.places.region import Region, inside
from models.verification.case import Verification
from models.verification.objection import ON_NOTICE

ADULT = 18
_HIDDEN = "*"


@dataclass(frozen=True, slots=True)
class PublicNotice:
    """A household on public notice. ``number`` is its case's; ``name`` hides all but the surname, and is None for a
    minor; ``place``: the village's or township's full name; ``standing``: what the registry calls the household.
    """

    number: int
    name: str | None
    place: str
    since: datetime
    until: datetime
    standing: str | None


def list_notices(db: Session, region_code: str, after: int | None, most: int, now: datetime) -> Page[PublicNotice]:
    """List the households on notice in a region and below it, the newest first; ``after``: the last number shown."""
    wanted = _shown(now).where(inside(Verification.region_code, region_code))
    if after is not None:
        wanted = wanted.where(Verification.id < after)
    rows = db.execute(wanted.order_by(Verification.id.desc()).limit(most + 1)).all()
    page = page_of(rows, most, lambda row: int(row.id))
    return Page([_notice(row, now) for row in page.items], page.after)


def find_notice(db: Session, number: int, now: datetime) -> PublicNotice | None:
    """Find one household on notice by its case number; None for any case that is not on notice now."""
    row = db.execute(_shown(now).where(Verification.id == number)).one_or_none()
    return _notice(row, now) if row else None


def _shown(now: datetime) -> Any:
    return (
        select(
            Verification.id,
            Verification.notice_from,
            Verification.notice_until,
            Verification.registry_status,
            Region.full_name,
            type_coerce(User.name, LargeBinary).label("name"),
            type_coerce(User.id_number, LargeBinary).label("id_number"),
        )
        .join(User, User.id == Verification.user_id)
        .join(Region, Region.code == Verification.region_code)
        .where(Verification.state.in_(ON_NOTICE), Verification.notice_until > now)
    )


def _notice(row: Row[Any], now: datetime) -> PublicNotice:
    name = _opened(row.name, purpose_of(User.name))
    grown = _is_adult(_opened(row.id_number, purpose_of(User.id_number)), now)
    return PublicNotice(
        number=row.id,
        name=masked(name) if grown else None,
        place=row.full_name,
        since=row.notice_from,
        until=row.notice_until,
        standing=row.registry_status,
    )


def masked(name: str) -> str:
    """Keep the first sign and hide the rest behind one or two stars: the length of a long name would identify it."""
    return name[:1] + _HIDDEN * min(max(len(name) - 1, 1), 2)


def _is_adult(id_number: str, now: datetime) -> bool:
    """Tell whether the ID number says 18 or older today; an unreadable number counts as a minor's."""
    try:
        born = date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14]))
    except ValueError:
        return False
    today = now.astimezone(CHINA).date()
    return (today.year - born.year) - ((today.month, today.day) < (born.month, born.day)) >= ADULT


def _opened(sealed: bytes | None, purpose: str) -> str:
    """Open a sealed value; empty if it does not open, because one such row must not fail the whole board."""
    try:
        return keyring().open(bytes(sealed), purpose) if sealed else ""
    except CannotOpen:
        return ""
