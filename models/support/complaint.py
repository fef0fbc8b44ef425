"""申诉: complain to the county about a decision that turned a person down, as a ticket about that decision."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.refusal import Refusal
from models.people.user import User
from models.places.region import county_of
from models.support.ticket import Ticket, open_ticket
from models.verification.case import newest_case_of

# States of a case that a household may complain about.
AGAINST = ("rejected", "suspended", "revoked")
_MOST = 5


class NothingToAppeal(Refusal):
    """The person has no case or appeal that was turned down."""

    code = "nothing_to_appeal"


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that turned a person down, on a ``case`` or an ``appeal``; ``title`` is the appeal's."""

    subject: str
    number: int
    region_code: str
    title: str = ""

    @property
    def reference(self) -> str:
        return f"{self.subject}:{self.number}"


def turned_down(db: Session, user: User) -> list[Decided]:
    """List the person's newest case and their appeals that were turned down, the newest first."""
    found = []
    case = newest_case_of(db, user.id)
    if case and case.state in AGAINST:
        found.append(Decided("case", case.id, case.region_code))
    theirs = select(Appeal).where(Appeal.owner_id == user.id, Appeal.state == "rejected")
    for appeal in db.scalars(theirs.order_by(Appeal.id.desc()).limit(_MOST)):
        found.append(Decided("appeal", appeal.id, appeal.region_code, appeal.title))
    return found


def complain(db: Session, what: Decided, conversation_id: int, now: datetime) -> Ticket:
    """Open a ticket about the decision at the county: the levels below have decided already."""
    return open_ticket(db, conversation_id, county_of(what.region_code), what.reference, now)
