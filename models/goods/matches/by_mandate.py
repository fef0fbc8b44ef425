"""Answer a proposal for a resident by their mandate: the answer is read back to them, and undone when they deny it.

The six digits are never shown to the officer who answers; for who has no phone they print a collection card.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from models.core.state_machine import Actor
from models.goods.exchange import GoodsRequest, Offer
from models.goods.matches import answers, holding
from models.goods.matches.answers import HOUSEHOLD_MAY_LEAVE
from models.goods.matches.holding import Held, lock_match
from models.goods.matches.match import Match
from models.goods.points.point import Point
from models.proxy.act import ActFacts, record_proxy_act
from models.proxy.mandate import Mandate
from models.staff.member import Staff

SCOPE = "goods"


def want_for(db: Session, staff: Staff, mandate: Mandate, number: int, quantity: int | None, now: datetime) -> Held:
    """Say yes for the resident, to all of it or to a part. The caller has locked the mandate. Raises as ``want``."""
    held = answers.want(db, mandate.user_id, number, quantity, now)
    record_proxy_act(db, mandate, staff, "match", number, held.request.item, now)
    return held


def leave_for(db: Session, staff: Staff, mandate: Mandate, number: int, now: datetime) -> Held:
    """Say no for the resident to a proposal. The caller has locked the mandate. Raises NoSuchThing or MatchMoved."""
    held = answers.hold_own_match(db, mandate.user_id, number, "household")
    if held.match.state != "proposed":
        raise answers.moved(held, "household")
    answers.leave(db, mandate.user_id, number, now)
    record_proxy_act(db, mandate, staff, "match", number, held.request.item, now)
    return held


def read_back(db: Session, number: int) -> ActFacts:
    """Return what was answered for the resident, and where it stands now."""
    match = db.get_one(Match, number)
    offer, request = db.get_one(Offer, match.offer_id), db.get_one(GoodsRequest, match.request_id)
    facts = {
        "number": request.id,
        "item": request.item,
        "offered": offer.item,
        "quantity": match.quantity,
        "unit": offer.unit,
        "wanted": match.accepted_at is not None,
    }
    return ActFacts(db.get_one(Point, match.point_id).region_code, facts)


def undo(db: Session, number: int, owner: Actor, now: datetime) -> None:
    """Leave to others what an officer said yes to and the resident denies. A no cannot be undone: others were asked.

    The resident has broken no word and may be asked again, so it does not fail by the household.
    """
    held = lock_match(db, number)
    if held.match.state == "in_transit" and held.match.unwanted_at is None:
        holding.turn_away(db, held, now, "system")
    elif held.match.state in HOUSEHOLD_MAY_LEAVE and held.match.state != "in_transit":
        holding.release(db, held, "cancelled", owner, "system", now)
