"""Tell a person which organisations they speak for, asked to speak for, or spoke for last."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.organisations.organisation import Organisation
from models.organisations.representative import Representative, in_office

MOST = 5


@dataclass(frozen=True, slots=True)
class OwnOrganisation:
    """An organisation as its representative sees it. ``until``: the last day of the term.

    ``stands``: new (the county has not decided on the organisation), asks (nor on the person), speaks, stopped (the
    county suspended it) or ended (the term is over, and nobody speaks for it).
    """

    number: int
    name: str
    kind: str
    until: date
    stands: str


def own_organisations(db: Session, user_id: int) -> list[OwnOrganisation]:
    """List the person's organisations, the newest application first; each once, those that ended for them left out."""
    theirs = select(Organisation, Representative).join(
        Representative, Representative.organisation_id == Organisation.id
    )
    theirs = theirs.where(Representative.user_id == user_id, Representative.state != "declined")
    theirs = theirs.where(Organisation.state.in_(("applied", "confirmed", "suspended")))
    found: dict[int, OwnOrganisation] = {}
    for organisation, person in db.execute(theirs.order_by(Representative.id.desc()).limit(4 * MOST)):
        stands = _stands(db, organisation, person)
        if stands and organisation.id not in found:
            found[organisation.id] = OwnOrganisation(
                organisation.id, organisation.name, organisation.kind, person.until, stands
            )
    return list(found.values())[:MOST]


def _stands(db: Session, organisation: Organisation, person: Representative) -> str:
    if organisation.state == "applied":
        return "new"
    if person.state == "proposed":
        return "asks"
    if person.state == "ended":
        return "" if in_office(db, organisation.id) else "ended"
    return "speaks" if organisation.state == "confirmed" else "stopped"
