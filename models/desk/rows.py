"""Describe the lines of a queue for a table: kind, number, step, place, by when, whose turn, and no personal data."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.desk.lines import Line
from models.places.region import Region
from models.staff.member import Staff
from models.support.ticket import Ticket


@dataclass(frozen=True, slots=True)
class Row:
    """``step``: one of STEPS, empty for a ticket. ``place``: the region's whole name, empty where a ticket has none.
    ``is_own``: the task is assigned to this seat; else whoever of the place is first may take it."""

    what: str
    number: int
    step: str
    place: str
    due_at: datetime
    is_late: bool
    is_urgent: bool
    is_own: bool


def rows_of(db: Session, staff: Staff, lines: Sequence[Line], now: datetime) -> list[Row]:
    """Describe the lines in their order."""
    places = _names(db, {code for line in lines if (code := line.thing.region_code)})
    return [_row(line, places.get(line.thing.region_code or "", ""), staff, now) for line in lines]


def _row(line: Line, place: str, staff: Staff, now: datetime) -> Row:
    thing = line.thing
    return Row(
        what=line.what,
        number=line.number,
        step="" if isinstance(thing, Ticket) else thing.step,
        place=place,
        due_at=thing.due_at,
        is_late=thing.due_at <= now,
        is_urgent=line.is_urgent,
        is_own=not isinstance(thing, Ticket) and thing.assignee == staff.id,
    )


def _names(db: Session, codes: Collection[str]) -> dict[str, str]:
    return {region.code: region.full_name for region in db.scalars(select(Region).where(Region.code.in_(codes)))}
