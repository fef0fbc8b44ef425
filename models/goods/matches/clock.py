"""End matches and shelves whose time is over, and remind the household or the donor halfway.

Each match is a savepoint of its own: one that fails is logged and stops no other. A match whose offer, request or row
another transaction holds is left for the next run.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from models.core.calendar import CHINA
from models.core.one_by_one import act_on_each
from models.core.state_machine import SYSTEM
from models.goods.exchange import Offer
from models.goods.matches import holding, issues, locks, shelving
from models.goods.matches.giving_up import give_up_on
from models.goods.matches.locks import Held
from models.goods.matches.match import LASTS, REMINDED, Match
from models.goods.matches.telling import tell_reminder, tell_written_off
from models.goods.points.point import Shelf
from models.goods.rules import GoodsRules
from models.verification.case import is_suspended, is_verified

BATCH = 100
# So many are tried for it: some may fail, or be locked.
_MOST_TRIED = 1000


def end_overdue(db: Session, rules: GoodsRules, now: datetime) -> int:
    """End the states of matches that are over; returns how many. Takes one batch."""
    due = select(Match.id).where(Match.due_at <= now).order_by(Match.due_at, Match.id)
    return _each(db, due, lambda number: _end_one(db, rules, number, now))


def remind_halfway(db: Session, now: datetime) -> int:
    """Remind households of what waits for them, and donors of what they said they would send. Returns how many."""
    half = [(Match.state == state) & (Match.due_at <= now + LASTS[state] / 2) for state in REMINDED]
    # The index of those to remind is asked for with its own condition.
    waiting = Match.reminded_at.is_(None) & Match.state.in_(REMINDED) & (Match.due_at > now)
    found = select(Match.id).where(waiting, or_(*half)).order_by(Match.due_at, Match.id)
    return _each(db, found, lambda number: _remind(db, number, now))


def write_off_shelves(db: Session, rules: GoodsRules, now: datetime) -> int:
    """Write off what spoilt on shelves, or has lain there too long; returns how many shelves. Takes one batch."""
    old = Shelf.since <= now - timedelta(days=rules.days_on_shelf)
    spoilt = Offer.best_before < now.astimezone(CHINA).date()
    lying = select(Shelf.id).join(Offer, Offer.id == Shelf.offer_id).where(Shelf.quantity > 0, or_(old, spoilt))
    return _each(db, lying.order_by(Shelf.id), lambda number: _write_off(db, number, now))


def _each(db: Session, found: Select[Any], act: Callable[[int], bool]) -> int:
    """Act on each row that is found, until a batch of them has changed; returns how many have."""
    return act_on_each(db, db.scalars(found.limit(_MOST_TRIED)).all(), act, "matches", BATCH)


def _end_one(db: Session, rules: GoodsRules, number: int, now: datetime) -> bool:
    held = locks.try_lock_match(db, number)
    # Between the search and the lock its household may have answered.
    if held is None or held.match.due_at is None or held.match.due_at > now:
        return False
    _ENDS[held.match.state](db, held, now)
    if held.match.ended_by == "donor":
        give_up_on(db, held.offer, rules, now)
    return True


def _lapse_by(by: str) -> Callable[[Session, Held, datetime], None]:
    return lambda db, held, now: holding.release(db, held, "lapsed", SYSTEM, by, now)


def _never_came(db: Session, held: Held, now: datetime) -> None:
    holding.lose(db, held, SYSTEM, "carrier", now)
    issues.open_loss(db, held.match, now)


def _not_collected(db: Session, held: Held, now: datetime) -> None:
    """A household that could not collect it, because it is suspended or verified no more, did not miss it."""
    household, last_day = held.match.household_id, held.offer.best_before
    could = is_verified(db, household, now) and not is_suspended(db, household)
    whole = held.match.arrived_at is not None and now >= held.match.arrived_at + LASTS["at_point"]
    by = "household" if could and whole else "system"
    if last_day is not None and last_day < now.astimezone(CHINA).date():
        holding.lose(db, held, SYSTEM, by, now)
    else:
        holding.leave(db, held, now, by)


_ENDS: Mapping[str, Callable[[Session, Held, datetime], None]] = {
    "proposed": _lapse_by("household"),
    "recipient_ok": _lapse_by("donor"),
    "donor_ok": _lapse_by("donor"),
    "in_transit": _never_came,
    "at_point": _not_collected,
    "collected": lambda db, held, now: holding.confirm(db, held, SYSTEM, now),
}


def _remind(db: Session, number: int, now: datetime) -> bool:
    held = locks.try_lock_match(db, number)
    if held is None or held.match.reminded_at is not None or held.match.state not in REMINDED:
        return False
    held.match.reminded_at = now
    db.flush()
    tell_reminder(db, held.match, held.offer, held.request, now)
    return True


def _write_off(db: Session, number: int, now: datetime) -> bool:
    """The offer is locked before its shelf."""
    offer_id = db.scalar(select(Shelf.offer_id).where(Shelf.id == number))
    offer = db.scalar(select(Offer).where(Offer.id == offer_id).with_for_update(skip_locked=True))
    shelf = db.get_one(Shelf, number, with_for_update=True, populate_existing=True) if offer else None
    if offer is None or shelf is None or not shelf.quantity:
        return False
    quantity = shelving.write_off(db, offer, shelf, now)
    tell_written_off(db, offer, shelf, quantity, now)
    return True
