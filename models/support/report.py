"""Open tickets at the county for reports in words (举报).

A report of a thing is an inquiry (models.support.reporting); one of before 0.3 stays a ticket about that thing.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from models.support.concerned import concerned_in, county_to_answer
from models.support.ticket import Ticket, open_ticket

REPORT = "report"


def open_county_ticket(db: Session, conversation_id: int, region_code: str | None, now: datetime) -> Ticket:
    """Open the person's ticket for a report in words at the county of the region.

    Where the county is not known or nobody else there may read it, all counties' officers may.
    """
    county = county_to_answer(db, region_code, concerned_in(db, REPORT), now)
    return open_ticket(db, conversation_id, county, REPORT, now)
