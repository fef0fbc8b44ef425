"""申诉: who was told no brings it before the county, as a ticket about the very decision."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.refusal import Refusal
from models.people.user import User
from models.support.ticket import Ticket, open_ticket
from models.verification.case import case_of

# States of a case that the county should hear its household about.
AGAINST = ("rejected", "suspended", "revoked")
_MOST = 5
_COUNTY = 6


class NothingToAppeal(Refusal):
    """Nothing of theirs has been turned down."""

    code = "nothing_to_appeal"


@dataclass(frozen=True, slots=True)
class Decided:
    """What was turned down: ``case`` or ``appeal``, its number, and an appeal's title."""

    subject: str
    number: int
    region_code: str
    title: str = ""

    @property
    def reference(self) -> str:
        return f"{self.subject}:{self.number}"


def turned_down(db: Session, user: User) -> list[Decided]:
    """The person's newest case, if it was, and their appeals that were, the newest first."""
    found = []
    case = case_of(db, user.id)
    if case and case.state in AGAINST:
        found.append(Decided("case", case.id, case.region_code))
    theirs = select(Appeal).where(Appeal.owner_id == user.id, Appeal.state == "rejected")
    for appeal in db.scalars(theirs.order_by(Appeal.id.desc()).limit(_MOST)):
        found.append(Decided("appeal", appeal.id, appeal.region_code, appeal.title))
    return found


def complain(db: Session, what: Decided, conversation_id: int, now: datetime) -> Ticket:
    """For the county alone: those below had their say."""
    county = what.region_code[:_COUNTY].ljust(12, "0")
    return open_ticket(db, conversation_id, county, what.reference, now)
