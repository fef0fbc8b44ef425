"""Let owners end, renew and change their requests, offers and listings."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.calendar import CHINA
from models.core.refusal import Refusal
from models.core.state_machine import Actor, By, WrongState
from models.goods.exchange import REQUEST, NoSuchThing
from models.goods.matches import leaving
from models.goods.review import ALL_GONE, REVIEWED, Reviewed, hold
from models.organisations.representative import check_in_office
from models.staff.task import close_task
from models.stock.move import hand_out
from models.verification.case import lock_cases


class GoodsChanged(Refusal):
    """The thing (``subject``, ``number``) has changed since its owner began to mend it; its ``state`` now."""

    code = "goods_changed"
    final = True


def own_things(db: Session, user_id: int, name: str, to: str, most: int) -> list[Any]:
    """List the user's newest things of a kind that may go to the state ``to`` by their owner."""
    kind = REVIEWED[name]
    states = [source for (source, target), by in kind.machine.moves.items() if target == to and By.OWNER in by]
    table = kind.subject.table
    theirs = select(table).where(kind.subject.owner == user_id, table.state.in_(states))
    return list(db.scalars(theirs.order_by(table.id.desc()).limit(most)))


def hold_own(db: Session, user_id: int | None, name: str, number: int) -> Any:
    """Lock the user's own thing and return it. Raises NoSuchThing, also for another person's.

    Locks the household's cases first, as decisions on them lock its things after them. What an organisation sells is
    theirs as long as they speak for it: raises TermOver.
    """
    kind = REVIEWED[name]
    found = db.get(kind.subject.table, number)
    if found is None or found.owner_id != user_id:
        raise NoSuchThing(what=name, number=number)
    if kind.of_household:
        lock_cases(db, found.household_id)
        check_in_office(db, found.household_id, user_id)
    held = hold(db, kind, number)
    # Before it was locked another may have come to speak for the organisation.
    if held.owner_id != user_id:
        raise NoSuchThing(what=name, number=number)
    return held


def check_mendable(kind: Reviewed, thing: Any) -> None:
    """Raises WrongState."""
    kind.machine.check(thing.state, "submitted", _owner(thing))


def begin_mending(db: Session, user_id: int | None, name: str, number: int) -> Any:
    """Return the user's own thing, which may be mended. Raises NoSuchThing, WrongState or TermOver."""
    kind = REVIEWED[name]
    thing = db.get(kind.subject.table, number)
    if thing is None or thing.owner_id != user_id:
        raise NoSuchThing(what=name, number=number)
    if kind.of_household:
        check_in_office(db, thing.household_id, user_id)
    check_mendable(kind, thing)
    return thing


def hold_to_mend(db: Session, user_id: int | None, name: str, number: int, round_: int) -> Any:
    """Lock the user's own thing to mend it. ``round_``: its round when they began.

    Raises NoSuchThing, WrongState or GoodsChanged.
    """
    thing = hold_own(db, user_id, name, number)
    if thing.round != round_:
        raise GoodsChanged(subject=name, number=number, state=thing.state)
    check_mendable(REVIEWED[name], thing)
    return thing


def end(db: Session, user_id: int | None, name: str, number: int, to: str, now: datetime) -> Any:
    """End the user's own thing: ``to`` withdrawn, exhausted, met or sold_out. Raises NoSuchThing or WrongState."""
    kind, thing = REVIEWED[name], hold_own(db, user_id, name, number)
    kind.machine.check(thing.state, to, _owner(thing))
    # Before the state changes: what is freed of an offer of which the rest is gone is gone too.
    leaving.follow(db, name, number, to, now, by_owner=True)
    kind.machine.move(db, thing, to, _owner(thing), now)
    close_task(db, name, number, now)
    if to in ALL_GONE:
        hand_out(db, thing, f"{to}:{now:%Y%m%d%H%M%S%f}", now)
    db.flush()
    return thing


def renew(db: Session, user_id: int | None, name: str, number: int, now: datetime) -> Any:
    """Renew the user's own public thing. Raises NoSuchThing, or WrongState where it is not public.

    What is needed although its day is past is needed by no day from now on.
    """
    kind, thing = REVIEWED[name], hold_own(db, user_id, name, number)
    if thing.state != kind.public or thing.looked_at is None:
        raise WrongState(subject=name, state=thing.state, wanted=kind.public)
    thing.renewed_at, thing.asked_at = now, None
    if kind.subject is REQUEST and thing.need_by is not None and thing.need_by < now.astimezone(CHINA).date():
        thing.need_by = None
    db.flush()
    return thing


def _owner(thing: Any) -> Actor:
    return Actor.owner(thing.owner_id)
