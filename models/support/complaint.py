"""申诉: complain to the county about a decision that turned a person down, as a ticket about that decision."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.refusal import Refusal
from models.people.user import User
from models.support.concerned import concerned_in, county_to_answer
from models.support.ticket import Ticket, open_ticket
from models.verification.case import newest_case_of

# States of a case that a household may complain about.
ADVERSE_STATES = ("rejected", "suspended", "revoked")
_MOST = 5


class NothingToContest(Refusal):
    """The person has no case or appeal that was turned down."""

    code = "nothing_to_contest"


@dataclass(frozen=True, slots=True)
class AdverseDecision:
    """A decision that turned a person down, on a ``case`` or an ``appeal``; ``title`` is the appeal's."""

    subject: str
    number: int
    region_code: str
    title: str = ""

    @property
    def reference(self) -> str:
        return f"{self.subject}:{self.number}"


def adverse_decisions(db: Session, user: User) -> list[AdverseDecision]:
    """List the person's newest case and their appeals that were turned down, the newest first."""
    found = []
    case = newest_case_of(db, user.id)
    if case and case.state in ADVERSE_STATES:
        found.append(AdverseDecision("case", case.id, case.region_code))
    theirs = select(Appeal).where(Appeal.owner_id == user.id, Appeal.state == "rejected")
    for appeal in db.scalars(theirs.order_by(Appeal.id.desc()).limit(_MOST)):
        found.append(AdverseDecision("appeal", appeal.id, appeal.region_code, appeal.title))
    return found


def open_complaint(db: Session, what: AdverseDecision, conversation_id: int, now: datetime) -> Ticket:
    """Open a ticket about the decision at the county: the levels below have decided already.

    Where everybody at the county has refused it, or nobody is there, all counties' officers may answer.
    """
    county = county_to_answer(db, what.region_code, concerned_in(db, what.reference), now)
    return open_ticket(db, conversation_id, county, what.reference, now)
