"""Open tickets at the county for reports in words (举报), and for requests to erase one's data (注销).

A report of a thing is an inquiry (models.support.reporting); one of before 0.3 stays a ticket about that thing.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from models.support.concerned import concerned_in, county_to_answer
from models.support.ticket import Ticket, open_ticket


def open_county_ticket(
    db: Session, conversation_id: int, what: str, region_code: str | None, now: datetime, thing: str | None = None
) -> Ticket:
    """Open the person's ticket for ``what`` (``report`` or ``erase``) at the county of the region.

    ``thing``: what is reported, as a reference (``appeal:6``, ``staff:3``); who is concerned in it does not see the
    ticket (models.support.concerned). Where the county is not known or nobody else there may read it, all counties'
    officers may.
    """
    about = f"{what}:{thing}" if thing else what
    county = county_to_answer(db, region_code, concerned_in(db, about), now)
    return open_ticket(db, conversation_id, county, about, now)
