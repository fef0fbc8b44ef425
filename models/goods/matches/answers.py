"""Take what the household and the donor of a match answer, and what they take back, each for their own alone."""

from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.refusal import Refusal
from models.core.state_machine import Actor
from models.goods.exchange import GoodsRequest, NoSuchThing, Offer
from models.goods.matches import holding
from models.goods.matches.giving_up import give_up_on
from models.goods.matches.locks import Held, lock_match, lock_matches
from models.goods.matches.match import Match
from models.goods.rules import GoodsRules

Side = Literal["household", "donor"]

# States in which the donor can still say that they do not send it.
DONOR_MAY_LEAVE = ("recipient_ok", "donor_ok")
# State -> how the match ends where its household leaves it; what is on its way is turned away instead.
_LEFT = {"proposed": "declined", "recipient_ok": "cancelled", "donor_ok": "cancelled", "at_point": "cancelled"}
HOUSEHOLD_MAY_LEAVE = (*_LEFT, "in_transit")


class MatchMoved(Refusal):
    """The match is no longer where this answer belongs: it was answered, sent or ended. ``state``: where it is now.

    ``side``: who asks; ``item`` and ``number``: of their request or offer; ``by``: by whom it ended; ``unwanted``: the
    household has turned it away.
    """

    code = "match_moved"
    final = True


class CannotPart(Refusal):
    """The donor sends no less than all of what is proposed."""

    code = "cannot_part"
    final = True


def side_of(db: Session, user_id: int | None, number: int) -> Side:
    """Tell whether the person is the match's household or its donor. Raises NoSuchThing to everybody else."""
    owner = select(GoodsRequest.owner_id, Match.donor_id).join(Match, Match.request_id == GoodsRequest.id)
    found = db.execute(owner.where(Match.id == number)).first()
    if user_id is None or found is None or user_id not in found:
        raise NoSuchThing(what="match", number=number)
    return "household" if found[0] == user_id else "donor"


def hold_own_match(db: Session, user_id: int | None, number: int, side: Side) -> Held:
    """Lock the person's match. Raises NoSuchThing, also where it is another person's."""
    if side_of(db, user_id, number) != side:
        raise NoSuchThing(what="match", number=number)
    return lock_match(db, number)


def moved(held: Held, side: Side) -> MatchMoved:
    """Make the refusal of an answer that comes too late or twice."""
    thing = held.request if side == "household" else held.offer
    match = held.match
    unwanted, by = match.unwanted_at is not None, match.ended_by
    return MatchMoved(side=side, number=thing.id, item=thing.item, state=match.state, by=by, unwanted=unwanted)


def want(db: Session, user_id: int | None, number: int, quantity: int | None, now: datetime) -> Held:
    """Note the household's yes, to ``quantity`` in the offer's unit; None: all of it.

    Raises NoSuchThing, MatchMoved or NotThatMany.
    """
    held = hold_own_match(db, user_id, number, "household")
    if held.match.state != "proposed":
        raise moved(held, "household")
    holding.accept(db, held, held.match.quantity if quantity is None else quantity, now)
    return held


def check_part(db: Session, user_id: int | None, number: int) -> Held:
    """Return the proposal of which the household wants a part. Raises NoSuchThing, MatchMoved or CannotPart."""
    held = hold_own_match(db, user_id, number, "household")
    if held.match.state != "proposed":
        raise moved(held, "household")
    if held.least == held.match.quantity:
        ways = (("want_goods", str(number)), ("leave_goods", str(number)))
        match, offer = held.match, held.offer
        raise CannotPart(item=held.request.item, quantity=match.quantity, unit=offer.unit, ways=ways)
    return held


def leave(db: Session, user_id: int | None, number: int, now: datetime) -> Held:
    """Note that the household does not want it, or not any more; on its way, it goes to others at the point.

    Raises NoSuchThing or MatchMoved.
    """
    held = hold_own_match(db, user_id, number, "household")
    match = held.match
    if match.state == "in_transit" and match.unwanted_at is None:
        holding.turn_away(db, held, now)
    elif match.state in _LEFT:
        owner = Actor.owner(held.request.owner_id)
        holding.release(db, held, _LEFT[match.state], owner, "household", now)
    else:
        raise moved(held, "household")
    return held


def will_send(db: Session, user_id: int | None, number: int, now: datetime) -> Held:
    """Note that the donor sends it. Raises NoSuchThing or MatchMoved."""
    held = hold_own_match(db, user_id, number, "donor")
    if held.match.state != "recipient_ok":
        raise moved(held, "donor")
    holding.agree(db, held, now)
    return held


def will_send_all(db: Session, user_id: int | None, offer_id: int, now: datetime) -> list[Held]:
    """Note that the donor sends all that waits for their answer of one offer; none where nothing does.

    Raises NoSuchThing where the offer is another person's.
    """
    offer = db.get(Offer, offer_id, with_for_update=True, populate_existing=True)
    if offer is None or offer.donor_id != user_id:
        raise NoSuchThing(what="offer", number=offer_id)
    waiting = select(Match.id).where(Match.offer_id == offer_id, Match.state == "recipient_ok").order_by(Match.id)
    # A household may have left while this waited for its request.
    still = [held for held in lock_matches(db, db.scalars(waiting).all()) if held.match.state == "recipient_ok"]
    for held in still:
        holding.agree(db, held, now)
    return still


def will_not_send(db: Session, user_id: int | None, number: int, now: datetime, rules: GoodsRules) -> Held:
    """Note that the donor does not send it, also after a yes; it goes to others. Raises as ``will_send`` does.

    The offer expires where the donor turns away one after another.
    """
    held = hold_own_match(db, user_id, number, "donor")
    if held.match.state not in DONOR_MAY_LEAVE:
        raise moved(held, "donor")
    to = "declined" if held.match.state == "recipient_ok" else "cancelled"
    holding.release(db, held, to, Actor.owner(held.match.donor_id), "donor", now)
    give_up_on(db, held.offer, rules, now)
    return held
