"""Who may not decide on what an organisation asks for or sells: its own authority's officers, and who speaks for it."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.base import among
from models.organisations.organisation import Organisation
from models.organisations.representative import ever_of
from models.people.user import User
from models.staff.conflict_of_interest import conflicts_with
from models.staff.member import Staff, all_seats_of

# The reason of a recusal: the officer's seat is of the authority that asks.
OWN_AUTHORITY = "own_authority"


def own_authority(db: Session, organisation: Organisation) -> Mapping[int, str]:
    """Map staff ids to why they may not decide: of the authority that asks, or with ties to who speaks for it.

    An authority's officers are those whose seat is the place that it governs. Ties are those of
    ``conflicts_with``, with everybody who speaks, spoke or asks to speak for it.
    """
    found: dict[int, str] = {}
    if organisation.is_authority:
        seats = db.scalars(select(Staff.id).where(Staff.region_code == organisation.region_code)).all()
        found.update(dict.fromkeys(all_seats_of(db, seats), OWN_AUTHORITY))
    people = among(User.id, ever_of(db, organisation.id))
    for household in db.scalars(select(User.household_id).where(people, User.household_id.is_not(None))):
        found.update(conflicts_with(db, household))
    return found
