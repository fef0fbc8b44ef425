"""Keep the account's code of each appeal and listing with a public page, and count how often an appeal's was scanned.

The page and the poster show one of WeChat's temporary codes, of which an account may have any number; it lives for
thirty days and is fetched anew before. What is printed carries the page's address instead, which stays.
Scans are counted for a day and an appeal: no person stands there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Select, String, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import Appeal
from models.core.base import Base
from models.core.calendar import CHINA
from models.market.listing import Listing
from models.people.own_account import writes_to_own_account
from models.public.appeal_page import open_pages
from models.public.listing_page import open_pages as open_listings

# What a code's scene begins with; the number of the appeal or the listing follows.
SCENE, LISTING_SCENE = "appeal_", "listing_"
LASTS = timedelta(days=30)
# A code is shown while it lives so long at least: a saved picture is looked at for some days.
SHOWN_FOR = timedelta(days=7)
_RENEWED = SHOWN_FOR + timedelta(days=1)


class AppealCode(Base):
    """The temporary code of an appeal. ``address``: what the code says; ``ends_at``: when it stops working."""

    __tablename__ = "appeal_codes"
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), primary_key=True)
    address: Mapped[str] = mapped_column(String(300))
    ends_at: Mapped[datetime]


class ListingCode(Base):
    """The temporary code of a listing, with the columns of an appeal's."""

    __tablename__ = "listing_codes"
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"), primary_key=True)
    address: Mapped[str] = mapped_column(String(300))
    ends_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of one kind of thing: their table, and the numbers of the things whose page shows one.

    ``scene``: what the scene begins with. ``owner``: the column of the user to whose account the code leads.
    """

    table: type[Any]
    key: str
    scene: str
    pages: Callable[[datetime], Select[int]]
    owner: Any


APPEALS = Codes(AppealCode, "appeal_id", SCENE, open_pages, Appeal.owner_id)
LISTINGS = Codes(ListingCode, "listing_id", LISTING_SCENE, open_listings, Listing.seller_id)


class CodeScans(Base):
    """The scans of an appeal's code on a day in China. ``follows``: how many of them followed the account."""

    __tablename__ = "code_scans"
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    scans: Mapped[int]
    follows: Mapped[int]

    __table_args__ = (CheckConstraint("follows BETWEEN 0 AND scans", name="follows_are_scans"),)


@dataclass(frozen=True, slots=True)
class Scans:
    """How often an appeal's code was scanned, ever, and how many people followed the account by it."""

    scans: int
    follows: int


def find_code(db: Session, number: int, now: datetime, codes: Codes = APPEALS) -> str | None:
    """Return the address that the thing's code says; None while there is none that lives long enough."""
    alive = (getattr(codes.table, codes.key) == number) & (codes.table.ends_at >= now + SHOWN_FOR)
    return db.scalar(select(codes.table.address).where(alive))


def keep_code(db: Session, number: int, address: str, ends_at: datetime, codes: Codes = APPEALS) -> None:
    """Keep a code that WeChat gave, instead of the one before."""
    new = insert(codes.table).values({codes.key: number, "address": address, "ends_at": ends_at})
    db.execute(new.on_conflict_do_update(index_elements=[codes.key], set_={"address": address, "ends_at": ends_at}))


def owed_codes(db: Session, now: datetime, most: int, codes: Codes = APPEALS) -> Sequence[int]:
    """List the things whose page is open and that have no code, or one that is soon shown no more."""
    return db.scalars(_owed(db, now, codes).limit(most)).all()


def is_owed(db: Session, number: int, now: datetime, codes: Codes = APPEALS) -> bool:
    """Tell whether this thing is one of them."""
    owed = _owed(db, now, codes).subquery()
    return db.scalar(select(owed.c[0]).where(owed.c[0] == number)) is not None


def count_scan(db: Session, number: int, now: datetime, *, follows: bool) -> None:
    """Count one scan of the appeal's code. ``follows``: the person follows the account by it."""
    day, more = now.astimezone(CHINA).date(), int(follows)
    new = insert(CodeScans).values(appeal_id=number, day=day, scans=1, follows=more)
    counts = {"scans": CodeScans.scans + 1, "follows": CodeScans.follows + more}
    db.execute(new.on_conflict_do_update(index_elements=["appeal_id", "day"], set_=counts))


def scans_of(db: Session, number: int) -> Scans:
    """Add up the scans of all days."""
    sums = select(func.coalesce(func.sum(CodeScans.scans), 0), func.coalesce(func.sum(CodeScans.follows), 0))
    return Scans(*map(int, db.execute(sums.where(CodeScans.appeal_id == number)).one()))


def _owed(db: Session, now: datetime, codes: Codes) -> Select[int]:
    pages, table = codes.pages(now), codes.table
    number = pages.selected_columns[0]
    ours = writes_to_own_account(db, codes.owner)
    dying = or_(table.ends_at.is_(None), table.ends_at < now + _RENEWED)
    return pages.outerjoin(table, getattr(table, codes.key) == number).where(dying, ours).order_by(number)
