"""End or turn away matches when the offer, the request or the household that they join leaves.

A row of ``EVENTS`` says what becomes of a match in each state. What is on its way or lies at a point is somebody's
already: it goes on, or to the shelf.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models.core.state_machine import SYSTEM
from models.goods.matches import holding, locks
from models.goods.matches.match import HELD, Match

# Nobody has sent anything yet.
NOT_SENT = ("proposed", "recipient_ok", "donor_ok")
# Nor has the donor said that they will.
NOT_AGREED = ("proposed", "recipient_ok")


@dataclass(frozen=True, slots=True)
class Event:
    """What ends: ``cancelled``: the states in which a match is cancelled. ``turned_away``: what is on its way goes to
    the shelf when it comes. ``by``: by whom the match fails (models.goods.matches.match.ENDED_BY).
    """

    by: str
    cancelled: tuple[str, ...]
    turned_away: bool = False


EVENTS = {
    # By its donor: what is sent already is given.
    "offer_withdrawn": Event("donor", NOT_SENT),
    # The donor gave the rest away, or does not say that it is still there; what they said they will send, they may.
    "offer_gone": Event("donor", NOT_AGREED),
    # An officer took it down or does not approve it: nobody is handed anything of it.
    "offer_taken_down": Event("system", (*NOT_SENT, "at_point"), turned_away=True),
    "request_withdrawn": Event("household", (*NOT_SENT, "at_point"), turned_away=True),
    "request_taken_down": Event("system", (*NOT_SENT, "at_point"), turned_away=True),
    # Suspended, or nobody of it is verified now: that may pass while the goods are on their way or wait for it.
    "household_hidden": Event("system", NOT_SENT),
    "household_rejected": Event("system", (*NOT_SENT, "at_point"), turned_away=True),
}
# Thing and the state that it goes to -> the event, where its owner moves it, and where another does.
_BY_OWNER = {
    ("offer", "withdrawn"): "offer_withdrawn",
    ("offer", "exhausted"): "offer_gone",
    ("request", "withdrawn"): "request_withdrawn",
    ("request", "met"): "request_withdrawn",
}
_BY_OTHERS = {
    **{("offer", state): "offer_taken_down" for state in ("returned", "rejected", "withdrawn")},
    ("offer", "expired"): "offer_gone",
    **{("request", state): "request_taken_down" for state in ("returned", "rejected", "withdrawn")},
}


def lock_first(db: Session, name: str, number: int) -> None:
    """Lock the offers that the request's matches hold, before the caller locks the request."""
    if name == "request":
        locks.lock_offers_first(db, Match.request_id == number)


def follow(db: Session, name: str, number: int, to: str, now: datetime, *, by_owner: bool) -> int:
    """End the matches of an offer or a request that goes to the state ``to``; returns how many changed.

    The caller has locked it, and for a request called ``lock_first`` before. Other kinds of things have no matches.
    """
    event = (_BY_OWNER if by_owner else _BY_OTHERS).get((name, to))
    return apply(db, event, of_thing(name, number), now) if event else 0


def lock_offers_first(db: Session, household_id: int) -> None:
    """Lock the offers that the household's matches hold, before the caller locks its requests."""
    locks.lock_offers_first(db, Match.household_id == household_id)


def follow_household(db: Session, household_id: int, event: str, now: datetime) -> int:
    """End a household's matches when its case is decided (``event``: of EVENTS); returns how many changed."""
    return apply(db, event, Match.household_id == household_id, now)


def of_thing(name: str, number: int) -> ColumnElement[bool]:
    """Build a condition on Match: those of the offer or the request."""
    return (Match.offer_id if name == "offer" else Match.request_id) == number


def apply(db: Session, event: str, matches: ColumnElement[bool], now: datetime) -> int:
    """Do what ``event`` does to the live matches for which the condition holds; returns how many changed."""
    found, changed = EVENTS[event], 0
    live = select(Match.id).where(matches, Match.state.in_(HELD)).order_by(Match.id)
    for held in locks.lock_matches(db, db.scalars(live).all()):
        if held.match.state in found.cancelled:
            holding.release(db, held, "cancelled", SYSTEM, found.by, now)
        elif found.turned_away and held.match.state == "in_transit" and held.match.unwanted_at is None:
            holding.turn_away(db, held, now, found.by)
        else:
            continue
        changed += 1
    return changed
