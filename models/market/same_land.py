"""Find who else states the land that a listing rests on: an organisation and its own people, or one person twice.

What an organisation lists grows on land that its members work, and each of them may list for their own household too;
nothing but a look at the trees tells whether both stated the same ones. So this is advice to the officer who looks.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.appeals.beneficiary import Beneficiary
from models.market.listing import Listing
from models.market.statement import Statement
from models.market.submission import COUNTED_GRAMS
from models.organisations.organisation import Organisation, organisation_of
from models.organisations.representative import Representative, ever_of
from models.people.family_member import households_of_each, members_of
from models.people.user import User


@dataclass(frozen=True, slots=True)
class SameLand:
    """Those with a tie to the seller who list of the same crop and season, too. How they are tied is not said: nobody
    reads who counted themselves among those whom an organisation helps.

    ``names``: organisations; ``families``: how many households; ``listings``: one of each; ``plot``: all of their land
    with the seller's, in hundredths of a 亩.
    """

    names: tuple[str, ...]
    families: int
    listings: tuple[int, ...]
    plot: int


def same_land(db: Session, stated: Statement) -> SameLand | None:
    """Return who else may have stated the land of this statement; None where nobody has."""
    theirs = (Listing.household_id == Statement.household_id) & (Listing.crop == Statement.crop)
    same = (Statement.crop == stated.crop) & (Statement.season == stated.season)
    found = select(Statement.plot, func.max(Listing.id), Organisation.name).join(
        Listing, theirs & (Listing.season == Statement.season)
    )
    found = found.outerjoin(Organisation, Organisation.household_id == Statement.household_id)
    found = found.where(same, Statement.id != stated.id, _tied(db, stated), COUNTED_GRAMS > 0)
    rows = db.execute(found.group_by(Statement.id, Organisation.name).order_by(Statement.id)).all()
    if not rows:
        return None
    names = tuple(name for _, _, name in rows if name)
    listings = tuple(number for _, number, _ in rows)
    return SameLand(names, len(rows) - len(names), listings, stated.plot + sum(plot for plot, _, _ in rows))


def _tied(db: Session, stated: Statement) -> ColumnElement[bool]:
    """Build the condition that a statement is of somebody tied to this one: by who stated it and moved since, by an ID
    number, or by an organisation that their people speak for or that helps them."""
    organisation = organisation_of(db, stated.household_id)
    tied = _homes_of(db, organisation) if organisation else _of_family(db, stated.household_id)
    stays = select(User.household_id).where(User.id == stated.stated_by)
    people = select(User.id).where(User.household_id == stated.household_id)
    return or_(
        Statement.household_id.in_(tied),
        Statement.household_id.in_(stays),
        Statement.stated_by.in_(people),
        Statement.stated_by == stated.stated_by,
    )


def _of_family(db: Session, household_id: int) -> set[int]:
    """Return the households with a person of this one, and the organisations' rows that they speak, spoke or ask to
    speak for, or by which the household agreed to be helped."""
    homes = _with_same_people(db, household_id)
    speaks = select(Organisation.household_id).join(Representative).join(User, User.id == Representative.user_id)
    speaks = speaks.where(User.household_id.in_(homes), Representative.state != "declined")
    helped = select(Appeal.household_id).join(Beneficiary, Beneficiary.appeal_id == Appeal.id)
    helped = helped.where(Beneficiary.household_id == household_id, Beneficiary.state == "agreed")
    return homes | set(db.scalars(speaks)) | set(db.scalars(helped))


def _homes_of(db: Session, organisation: Organisation) -> set[int]:
    """Return the households of who speaks, spoke or asks to speak for it, and of whom it helps."""
    speakers = select(User.household_id).where(
        User.id.in_(ever_of(db, organisation.id)), User.household_id.is_not(None)
    )
    helped = select(Beneficiary.household_id).join(Appeal, Appeal.id == Beneficiary.appeal_id)
    helped = helped.where(Appeal.household_id == organisation.household_id, Beneficiary.state == "agreed")
    homes = {home for speaker in db.scalars(speakers).all() for home in _with_same_people(db, speaker or 0)}
    return homes | set(db.scalars(helped))


def _with_same_people(db: Session, household_id: int) -> set[int]:
    """Return the household, and others to which one of its people belongs, registered or named."""
    registered = select(User.id_number).where(User.household_id == household_id)
    known = (*db.scalars(registered), *(member.id_number for member in members_of(db, household_id)))
    numbers = [number for number in known if number]
    return {household_id}.union(*households_of_each(db, numbers).values())
