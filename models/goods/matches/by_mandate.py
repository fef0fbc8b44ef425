"""Answer for a resident by their mandate: to a proposal, of what was handed out, and with thanks.

What was said is read back to them, and undone when they deny it.

The six digits are never shown to the officer who answers; for who has no phone they print a collection card.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.state_machine import Actor
from models.goods.exchange import GoodsRequest, Offer
from models.goods.matches import answers, holding, thanking
from models.goods.matches.answers import HOUSEHOLD_MAY_LEAVE
from models.goods.matches.issues import SaidBefore, complain, withdraw_complaint
from models.goods.matches.locks import Held, lock_match
from models.goods.matches.match import Match
from models.goods.matches.thanks import GoodsThanks
from models.goods.points.point import Point
from models.proxy.act import ActFacts, record_proxy_act
from models.proxy.mandate import ACTED, Mandate, ProxyAct
from models.staff.member import Staff
from models.staff.task import find_task, recuse

COMPLAINT = "match_issue"


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


def complain_for(db: Session, staff: Staff, mandate: Mandate, number: int, what: str, now: datetime) -> Match:
    """Say for the resident that something is wrong with what was handed out; the officer has no part in the decision.

    The caller has locked the mandate. Raises as ``complain`` does, and SaidBefore after a complaint that was denied.
    """
    said = (ProxyAct.subject == COMPLAINT) & (ProxyAct.subject_id == number)
    if db.scalar(select(ProxyAct.id).where(said)):
        raise SaidBefore(number=number)
    match = complain(db, mandate.user_id, number, what, now)
    record_proxy_act(db, mandate, staff, COMPLAINT, number, db.get_one(GoodsRequest, match.request_id).item, now)
    if task := find_task(db, "match", number):
        recuse(db, task, staff, ACTED, now)
    return match


def thank_for(
    db: Session,
    staff: Staff,
    mandate: Mandate,
    number: int,
    said: tuple[str, str, Iterable[Mapping[str, str]]],
    conversation_id: int,
    now: datetime,
) -> tuple[list[int], list[int]]:
    """Thank for the resident. The caller has locked the mandate. Returns and raises what ``thanking.submit`` does."""
    photos = thanking.submit(db, mandate.user_id, number, said, conversation_id, now)
    thanks = db.scalars(select(GoodsThanks).where(GoodsThanks.draft_id == said[0])).one()
    item = db.get_one(Offer, db.get_one(Match, number).offer_id).item
    record_proxy_act(db, mandate, staff, thanking.SUBJECT, thanks.id, item, now)
    return photos


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


def undo_complaint(db: Session, number: int, owner: Actor, now: datetime) -> None:
    """Drop a complaint that the resident denies; one that is decided stays, and the county reads of the denial."""
    withdraw_complaint(db, number, owner, now)


def read_thanks(db: Session, number: int) -> ActFacts:
    """Return the thanks that were written for the resident, and for what."""
    thanks = db.get_one(GoodsThanks, number)
    found = read_back(db, thanks.match_id)
    return ActFacts(found.region_code, {**found.values, "words": thanks.words})


def undo_thanks(db: Session, number: int, owner: Actor, now: datetime) -> None:
    """Withdraw thanks that the resident denies, also from the donor who has read them."""
    thanks = db.get_one(GoodsThanks, number)
    request = db.get_one(GoodsRequest, db.get_one(Match, thanks.match_id).request_id)
    if thanks.state in ("submitted", "published"):
        thanking.withdraw(db, request.owner_id, number, now)
