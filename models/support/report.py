"""Open tickets at the county for reports (举报), and for requests to erase (注销) or to export (导出) one's data."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.state_machine import By
from models.places.region import county_of
from models.staff.decision import Decision
from models.staff.member import Staff, all_seats_of, seats_covering, serving
from models.support.ticket import Ticket, open_ticket


def open_county_ticket(
    db: Session, conversation_id: int, what: str, region_code: str | None, now: datetime, thing: str | None = None
) -> Ticket:
    """Open the person's ticket for ``what`` (``report``, ``erase`` or ``export``) at the county of the region.

    ``thing``: what is reported, as a reference (``appeal:6``); an officer who decided on it does not see the ticket
    (models.support.desk). Where the county is not known or nobody else there may read it, all counties' officers may.
    """
    county = county_of(region_code) if region_code else None
    reached = county if county and _may_read(db, county, thing, now) else None
    return open_ticket(db, conversation_id, reached, f"{what}:{thing}" if thing else what, now)


def _may_read(db: Session, county: str, thing: str | None, now: datetime) -> bool:
    seats = set(
        db.scalars(select(Staff.id).where(Staff.role == By.COUNTY, serving(now), seats_covering(county, By.COUNTY)))
    )
    if thing:
        subject, _, number = thing.partition(":")
        decided = select(Decision.staff_id).where(Decision.subject == subject, Decision.subject_id == int(number))
        seats -= all_seats_of(db, db.scalars(decided))
    return bool(seats)
