"""Show a match to the officers who decide on it: what came, who handed it out, and what each side did before."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.goods.exchange import GoodsRequest, NoSuchThing, Offer
from models.goods.matches.issues import CALL, MatchIssue, matter_of, upheld_against
from models.goods.matches.match import Match
from models.goods.matches.record import YEAR, Record, gives_to_one, record_of_donor, record_of_household
from models.goods.points.point import Point, ReceivedLine
from models.goods.rules import GoodsRules
from models.people.user import User
from models.staff.file_access import TaskView, has_read, may_read_as_authority, record_file_access, view_task
from models.staff.member import Staff


@dataclass(frozen=True, slots=True)
class MatchFile:
    """A match as an officer sees it. ``lines``: kind, quantity and reason of what came. ``what``: what the household
    says was wrong, if it does. ``upheld``: how many complaints of twelve months were right about who handed it out.
    ``to_one``: how many of the donor's this household collected, where that is nearly all. ``phone``: the household's,
    to the officer who has to call it.
    """

    number: int
    item: str
    quantity: int
    unit: str
    state: str
    place: str
    proof: str | None
    handed_by: str | None
    handed_at: datetime | None
    waybill: str | None
    lines: list[tuple[str, int, str | None]]
    what: str | None
    household: Record
    donor: Record
    upheld: int
    to_one: int | None
    phone: str | None
    task: TaskView


def find_readable(db: Session, staff: Staff, number: int) -> Match | None:
    """Return the match if this officer may read its file; else None."""
    match = db.get(Match, number)
    readable = match is not None and may_read_as_authority(db, staff, matter_of(db, match))
    return match if readable else None


def open_match(db: Session, staff: Staff, number: int, rules: GoodsRules, now: datetime) -> MatchFile:
    """Show it to an officer of the place; the reading is recorded. Raises NoSuchThing."""
    match = find_readable(db, staff, number)
    if match is None:
        raise NoSuchThing(what="match", number=number)
    offer, request = db.get_one(Offer, match.offer_id), db.get_one(GoodsRequest, match.request_id)
    record_file_access(db, staff, "match", number, request.owner_id, now)
    task = view_task(db, staff, "match", number)
    handed = db.get(Staff, match.handed_by) if match.handed_by else None
    lines = select(ReceivedLine).where(ReceivedLine.match_id == number).order_by(ReceivedLine.id)
    said = select(MatchIssue.what).where(MatchIssue.match_id == number)
    calls = task.mine and task.step == CALL
    return MatchFile(
        number=number,
        item=offer.item,
        quantity=match.quantity,
        unit=offer.unit,
        state=match.state,
        place=db.get_one(Point, match.point_id).name,
        proof=match.proof,
        handed_by=handed.work_no if handed else None,
        handed_at=match.collected_at,
        waybill=match.waybill,
        lines=[(line.kind, line.quantity, line.reason) for line in db.scalars(lines)],
        what=db.scalar(said),
        household=record_of_household(db, match.household_id, now),
        donor=record_of_donor(db, match.donor_id, now),
        upheld=upheld_against(db, handed.id, now - YEAR) if handed else 0,
        to_one=gives_to_one(db, match.donor_id, match.household_id, rules, now),
        phone=db.get_one(User, request.owner_id).phone if calls else None,
        task=task,
    )


def is_read(db: Session, staff: Staff, number: int) -> bool:
    """Tell whether this officer has read it as it now is, which is required before deciding."""
    return has_read(db, staff, "match", number)
