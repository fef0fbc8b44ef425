"""Gather what the page about a person shows: the newest of each kind. The file beside it holds everything."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.giving.pledge import Pledge
from models.goods.exchange import GoodsRequest, Offer
from models.market.listing import Listing
from models.oversight.access_log import Reading, readings_of
from models.people.photo import Photo
from models.people.user import Consent, User
from models.places.region import Region
from models.rights.export import Person, theirs
from models.speech.consent import SpeechConsent
from models.staff.member import Staff
from models.support.ticket import TicketMessage
from models.verification.case import Verification, newest_case_of

MOST = 10


@dataclass(frozen=True, slots=True)
class Part:
    """The newest of one kind, and how many there are in all."""

    rows: Sequence[Any]
    count: int

    @property
    def left(self) -> int:
        return self.count - len(self.rows)


@dataclass(frozen=True, slots=True)
class Overview:
    """``user``: None for who never registered. ``gifts``: (pledge, its appeal's title). ``said``: with officers."""

    user: User | None
    home: str | None
    case: Verification | None
    consents: Sequence[Consent]
    voices: Sequence[SpeechConsent]
    seats: Sequence[Staff]
    appeals: Part
    gifts: Part
    requests: Part
    offers: Part
    listings: Part
    said: Part
    readings: Sequence[Reading]
    photos: int


def show_person(db: Session, person: Person) -> Overview:
    """Gather the overview, in a fixed number of queries."""
    user = db.get(User, person.user_id) if person.user_id else None
    region = db.get(Region, user.region_code) if user and user.region_code else None
    titled = select(Pledge, Appeal.title).join(Appeal, Appeal.id == Pledge.appeal_id)
    return Overview(
        user=user,
        home=region.full_name if region else None,
        case=newest_case_of(db, user.id) if user else None,
        consents=_all(db, Consent, person),
        voices=_all(db, SpeechConsent, person),
        seats=_all(db, Staff, person),
        appeals=_part(db, Appeal, person),
        gifts=_part(db, Pledge, person, titled),
        requests=_part(db, GoodsRequest, person),
        offers=_part(db, Offer, person),
        listings=_part(db, Listing, person),
        said=_part(db, TicketMessage, person),
        readings=readings_of(db, user.id, None).items if user else (),
        photos=_count(db, Photo, person),
    )


def _all(db: Session, table: Any, person: Person) -> Sequence[Any]:
    return db.scalars(select(table).where(theirs(table.__table__, person)).order_by(table.id)).all()


def _part(db: Session, table: Any, person: Person, statement: Select[Any, *tuple[Any, ...]] | None = None) -> Part:
    """Gather the newest rows; of a ``statement``, whole rows of what it selects."""
    wanted = select(table) if statement is None else statement
    newest = db.execute(wanted.where(theirs(table.__table__, person)).order_by(table.id.desc()).limit(MOST))
    return Part(newest.scalars().all() if statement is None else newest.all(), _count(db, table, person))


def _count(db: Session, table: Any, person: Person) -> int:
    return db.scalar(select(func.count()).select_from(table).where(theirs(table.__table__, person))) or 0
