"""Take in what came at a handover point: which parcel it is, and what was in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.refusal import Refusal
from models.core.state_machine import WrongState
from models.goods.exchange import NoSuchThing, Offer
from models.goods.matches.holding import lay, redirect
from models.goods.matches.issues import open_loss
from models.goods.matches.locks import Held, lock_match
from models.goods.matches.match import MATCH_MACHINE, Match
from models.goods.points.collection_card import void_card
from models.goods.points.keeping import kept_point
from models.goods.points.point import LINES, Point, ReceivedLine
from models.staff.conflict_of_interest import conflicts_with
from models.staff.member import Staff

# What can still come; what was given up comes late all the same.
COMES = tuple(state for state, to in MATCH_MACHINE.moves if to == "at_point" and state != "recipient_ok")


class NoPointKept(Refusal):
    """The keeper keeps no open point."""

    code = "no_point_kept"


class LinesDoNotAddUp(Refusal):
    """What came, was missing, broken or another thing does not make the ``quantity`` of the parcel.

    ``at``: the answer to blame. ``why``: measure (another unit, or no whole pieces), more, or all_came: then nothing
    is amiss.
    """

    code = "lines_do_not_add_up"

    def __init__(self, *, at: str, **values: Any) -> None:
        super().__init__(at=at, **values)
        # The step that asks for this line has its name.
        self.step = at  # type: ignore[misc]


class KeeperIsKin(Refusal):
    """The parcel is for the keeper's own household or kin, so it is not moved to this point."""

    code = "keeper_is_kin"


@dataclass(frozen=True, slots=True)
class Parcel:
    """A parcel as its keeper sees it: what should be in it, and where it should come. ``here``: to this point.

    ``lies``: it lies at another point, and was carried here.
    """

    match: int
    code: str
    item: str
    quantity: int
    unit: str
    state: str
    place: str
    here: bool

    @property
    def lies(self) -> bool:
        return self.state == "at_point"


def demand_point(db: Session, keeper: Staff) -> Point:
    """Return the keeper's open point. Raises NoPointKept."""
    point = kept_point(db, keeper)
    if point is None:
        raise NoPointKept
    return point


def find_parcel(db: Session, keeper: Staff, code: str) -> Parcel:
    """Find a parcel that may come to the keeper's point, by the code on its label.

    Raises NoPointKept, NoSuchThing, WrongState where nothing is to come of it, or KeeperIsKin.
    """
    point = demand_point(db, keeper)
    match = db.scalar(select(Match).where(Match.parcel == code.upper()))
    if match is None:
        raise NoSuchThing(what="parcel", number=code.upper())
    return _look(db, keeper, point, match)


def view_parcel(db: Session, keeper: Staff, number: int) -> Parcel:
    """As ``find_parcel``, by the match's number."""
    point = demand_point(db, keeper)
    match = db.get(Match, number)
    if match is None:
        raise NoSuchThing(what="parcel", number=number)
    return _look(db, keeper, point, match)


def take_in(
    db: Session, keeper: Staff, number: int, lines: Mapping[str, int], reason: str | None, now: datetime
) -> Held:
    """Take in a parcel at the keeper's point. ``lines``: how much of it was each of LINES, in the offer's unit.

    ``reason``: why not all of it came. What came amiss is the county's to look into. Raises as ``find_parcel``, and
    LinesDoNotAddUp.
    """
    point = demand_point(db, keeper)
    held = lock_match(db, number)
    parcel = _look(db, keeper, point, held.match)
    if parcel.lies:
        redirect(db, held, point, keeper.actor, now)
        void_card(db, number, now)
        return held
    if sum(lines.values()) != parcel.quantity or min(lines.values()) < 0 or not lines.keys() <= set(LINES):
        raise LinesDoNotAddUp(at="came", why="more", quantity=parcel.quantity, unit=parcel.unit, code=parcel.code)
    came = lines.get("came", 0)
    if not parcel.here:
        redirect(db, held, point, keeper.actor, now)
    for kind in LINES:
        if lines.get(kind):
            why = None if kind == "came" else reason
            db.add(
                ReceivedLine(match_id=number, kind=kind, quantity=lines[kind], reason=why, staff_id=keeper.id, at=now)
            )
    db.flush()
    lay(db, held, came, keeper.actor, now)
    if came < parcel.quantity:
        open_loss(db, held.match, now)
    return held


def _look(db: Session, keeper: Staff, point: Point, match: Match) -> Parcel:
    here = match.point_id == point.id
    # What was proposed from a shelf, and lapsed, lies on that shelf: nobody sends it.
    comes = match.state in COMES and not (match.state == "lapsed" and match.shelf_id is not None)
    if not comes and not (match.state == "at_point" and not here):
        raise WrongState(subject="match", state=match.state, wanted="at_point")
    # What came here for their kin lies here all the same, and an officer hands it out.
    if not here and keeper.id in conflicts_with(db, match.household_id):
        raise KeeperIsKin(parcel=match.parcel)
    offer = db.get_one(Offer, match.offer_id)
    return Parcel(
        match=match.id,
        code=match.parcel,
        item=offer.item,
        quantity=match.quantity,
        unit=offer.unit,
        state=match.state,
        place=db.get_one(Point, match.point_id).name,
        here=here,
    )
