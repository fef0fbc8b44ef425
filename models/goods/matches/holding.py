"""Hold a part of an offer for a request: the only place where matches move stock, promises and shelves.

Every function here runs in its caller's transaction, under the locks of models.goods.matches.locks; the state, the
stock, the audit event and the notifications (models.goods.matches.telling) commit together.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.calendar import CHINA, LAST_SECOND
from models.core.codes import new_code, new_digits
from models.core.encryption import keyring
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor, WrongState
from models.goods.exchange import OFFER_MACHINE, REQUEST_MACHINE, GoodsRequest, Offer
from models.goods.matches.locks import Held
from models.goods.matches.match import HELD, LASTS, MATCH_MACHINE, Match
from models.goods.matches.shelving import lock_shelf, shelf_at
from models.goods.matches.telling import drop_overtaken, tell, tell_moved
from models.goods.one_request import stand_beside
from models.goods.points.point import Point
from models.stock.move import move
from models.verification.case import is_suspended, is_verified

PARCEL_LENGTH = 8
CODE_DIGITS = 6
CODE_PURPOSE = "collection"
# Of six digits, a point has at most so many in use that a new draw may hit.
_MOST_DRAWS = 50


class NotThatMany(Refusal):
    """Between ``smallest`` and ``most`` of it can be taken, in the offer's ``unit``."""

    code = "not_that_many"
    step = "part"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a round proposes to a request: so much of its offer, to be collected at the point.

    ``shelf_id``: the shelf on which it lies already; None: its donor has to send it.
    """

    round_id: int
    point_id: int
    quantity: int
    shelf_id: int | None = None


def propose(db: Session, offer: Offer, request: GoodsRequest, wanted: Proposal, now: datetime) -> Match:
    """Hold a part of the offer for the request and ask the household. The caller has locked both.

    Raises OutOfStock.
    """
    match = Match(
        offer_id=offer.id,
        request_id=request.id,
        round_id=wanted.round_id,
        shelf_id=wanted.shelf_id,
        donor_id=offer.donor_id,
        household_id=request.household_id,
        point_id=wanted.point_id,
        asked=wanted.quantity,
        quantity=wanted.quantity,
        state="proposed",
        due_at=now + LASTS["proposed"],
        proposed_at=now,
        parcel=new_code(PARCEL_LENGTH),
    )
    db.add(match)
    db.flush()
    if wanted.shelf_id is None:
        move(db, offer, "reserve", wanted.quantity, f"match:{match.id}:reserve", now)
        _follow_stock(db, offer, now)
    else:
        lock_shelf(db, wanted.shelf_id).quantity -= wanted.quantity
    request.promised += wanted.quantity
    db.flush()
    tell(db, match, offer, request, now)
    return match


def accept(db: Session, held: Held, quantity: int, now: datetime) -> None:
    """Note the household's yes, to all of it or to a part; what lies at the point already is ready to collect.

    Raises WrongState or NotThatMany.
    """
    match, owner = held.match, Actor.owner(held.request.owner_id)
    MATCH_MACHINE.check(match.state, "recipient_ok", owner)
    least = held.least
    if not least <= quantity <= match.quantity:
        raise NotThatMany(most=match.quantity, smallest=least, unit=held.offer.unit)
    if quantity < match.quantity:
        _give_back(db, held, match.quantity - quantity, "part", now)
        match.quantity = quantity
    match.accepted_at = now
    _move(db, held, "recipient_ok", owner, now, told=match.shelf_id is None)
    if match.shelf_id is not None:
        match.arrived_at = now
        _lay_ready(db, held, SYSTEM, now)


def agree(db: Session, held: Held, now: datetime) -> None:
    """Note the donor's yes. Raises WrongState."""
    held.match.agreed_at = now
    _move(db, held, "donor_ok", Actor.owner(held.offer.donor_id), now)


def send(db: Session, held: Held, carrier: str | None, waybill: str | None, now: datetime) -> None:
    """Note that the donor sent it. The caller has checked that the waybill is new. Raises WrongState."""
    held.match.sent_at, held.match.carrier, held.match.waybill = now, carrier, waybill
    _move(db, held, "in_transit", Actor.owner(held.offer.donor_id), now)


def lay(db: Session, held: Held, came: int, actor: Actor, now: datetime) -> None:
    """Take in what came of a match at its point, in the offer's unit; the rest of it counts as lost.

    What came late, after it was given up, or for a household that no longer wants it, goes to the shelf; where what was
    released since is promised to others, its donor had more than they said. Raises WrongState or NotThatMany.
    """
    match, state = held.match, held.match.state
    MATCH_MACHINE.check(state, "at_point", actor)
    if not 0 <= came <= match.quantity:
        raise NotThatMany(most=match.quantity, smallest=0, unit=held.offer.unit)
    late = state in ("lapsed", "lost")
    if not came:
        if not late:
            lose(db, held, actor, "carrier", now)
        return
    if late:
        if state == "lapsed" and held.offer.available < came:
            move(db, held.offer, "add", came - held.offer.available, f"match:{match.id}:more", now)
        kind = {"lapsed": "reserve", "lost": "find"}[state]
        move(db, held.offer, kind, came, f"match:{match.id}:late", now)
        _follow_stock(db, held.offer, now)
    elif came < match.quantity:
        move(db, held.offer, "lose", match.quantity - came, f"match:{match.id}:amiss", now)
        held.request.promised -= match.quantity - came
    match.quantity, match.arrived_at = came, now
    if not late and match.unwanted_at is None:
        _lay_ready(db, held, actor, now)
        return
    _move(db, held, "at_point", actor, now, told=False)
    _to_shelf(db, held, promised=not late, now=now)
    match.ended_by = match.ended_by or "household"
    _end(db, held, "uncollected", SYSTEM, now, told=False)


def collect(db: Session, held: Held, proof: str, actor: Actor, staff_id: int, now: datetime) -> None:
    """Note that it was handed out. The caller has checked the proof and who hands out. Raises WrongState."""
    match, offer, request = held.match, held.offer, held.request
    MATCH_MACHINE.check(match.state, "collected", actor)
    match.proof, match.handed_by, match.collected_at = proof, staff_id, now
    match.code = match.code_hash = None
    move(db, offer, "deliver", match.quantity, f"match:{match.id}:deliver", now)
    request.promised -= match.quantity
    request.received += match.quantity
    follow_received(db, request, now)
    _move(db, held, "collected", actor, now)


def follow_received(db: Session, request: GoodsRequest, now: datetime) -> None:
    """Let an open request that got all it asked for be met. The caller has locked it."""
    if request.state == "open" and request.received == request.quantity:
        REQUEST_MACHINE.move(db, request, "met", SYSTEM, now)


def confirm(db: Session, held: Held, actor: Actor, now: datetime) -> None:
    """Note that the household has it: by its word, by its silence, or by what the township found. Raises WrongState."""
    held.match.ended_at = now
    _move(db, held, "confirmed", actor, now)


def dispute(db: Session, held: Held, actor: Actor, now: datetime) -> None:
    """Note that the household did not get what was handed out; its clock stops. Raises WrongState."""
    held.match.ended_at = None
    _move(db, held, "issue", actor, now)


def take_back(db: Session, held: Held, actor: Actor, now: datetime) -> None:
    """Undo a handing out that never was, as the township found: the household waits again, as long as before.

    Raises WrongState.
    """
    match, request = held.match, held.request
    MATCH_MACHINE.check(match.state, "lost", actor)
    move(db, held.offer, "miss", match.quantity, f"match:{match.id}:miss", now)
    request.received -= match.quantity
    if request.state == "met" and request.item:  # an erased household's has no words any more
        _reopen(db, request, now)
    match.ended_by = "keeper"
    _end(db, held, "lost", actor, now)


def _reopen(db: Session, request: GoodsRequest, now: datetime) -> None:
    """Open a request again; that of a household that is not verified now is hidden until it is."""
    stand_beside(db, request)
    REQUEST_MACHINE.move(db, request, "open", SYSTEM, now)
    household = request.household_id
    if is_suspended(db, household) or not is_verified(db, household, now):
        REQUEST_MACHINE.move(db, request, "submitted", SYSTEM, now, "household_lapsed")
        request.looked_at = None
        request.round += 1


def release(db: Session, held: Held, to: str, actor: Actor, by: str, now: datetime) -> None:
    """End a match whose goods are not on their way (``to``: declined, lapsed or cancelled), and free what it held.

    ``by``: by whom it failed (models.goods.matches.match.ENDED_BY). What lies at the point goes to the shelf. Raises
    WrongState.
    """
    MATCH_MACHINE.check(held.match.state, to, actor)
    _give_back(db, held, held.match.quantity, "release", now)
    held.match.ended_by = by
    _end(db, held, to, actor, now)


def leave(db: Session, held: Held, now: datetime, by: str = "household") -> None:
    """Lay on the shelf what nobody collected in time. ``by``: whose fault it is. Raises WrongState."""
    MATCH_MACHINE.check(held.match.state, "uncollected", SYSTEM)
    _to_shelf(db, held, promised=True, now=now)
    held.match.ended_by = by
    _end(db, held, "uncollected", SYSTEM, now)


def lose(db: Session, held: Held, actor: Actor, by: str, now: datetime) -> None:
    """Count all of it as lost: it never came, or spoilt at the point. Raises WrongState."""
    MATCH_MACHINE.check(held.match.state, "lost", actor)
    move(db, held.offer, "lose", held.match.quantity, f"match:{held.match.id}:lose", now)
    held.request.promised -= held.match.quantity
    held.match.ended_by = by
    _end(db, held, "lost", actor, now)


def turn_away(db: Session, held: Held, now: datetime, by: str = "household") -> None:
    """Note that the household no longer takes what is on its way to it: it goes to the shelf when it comes.

    ``by``: whose doing that is. Raises WrongState where it is not on its way.
    """
    if held.match.state != "in_transit":
        raise WrongState(subject="match", state=held.match.state, wanted="in_transit")
    held.match.unwanted_at, held.match.ended_by = now, by
    db.flush()


def redirect(db: Session, held: Held, point: Point, actor: Actor, now: datetime) -> None:
    """Let the match be collected at another point, because its own closed or it was brought to that one.

    What lies at its point already is there at once, by new digits and for as long as if it had just come; what spoils,
    to the end of its last day. Raises WrongState where it can come to no point any more.
    """
    match = held.match
    if match.state not in (*HELD, "lapsed", "lost"):
        raise WrongState(subject="match", state=match.state, wanted="at_point")
    match.point_id = point.id
    if match.state == "at_point":
        _draw_code(db, match)
        match.due_at = _due(held, "at_point", now)
    db.flush()
    detail = f"point:{point.id}"
    record(db, at=now, actor=actor.name, action="redirected", subject="match", subject_id=match.id, detail=detail)
    if match.state in HELD:
        tell_moved(db, match, held.offer, held.request, now)


def _lay_ready(db: Session, held: Held, actor: Actor, now: datetime) -> None:
    """Make it ready to collect at the point."""
    _draw_code(db, held.match)
    _move(db, held, "at_point", actor, now)


def _draw_code(db: Session, match: Match) -> None:
    """Draw six digits that no other match at the point has."""
    taken = select(Match.code_hash).where(Match.point_id == match.point_id, Match.code_hash.is_not(None))
    known = set(db.scalars(taken))
    for _ in range(_MOST_DRAWS):
        digits = new_digits(CODE_DIGITS)
        hashed = keyring().lookup_hashes(digits, CODE_PURPOSE)
        if not known.intersection(hashed):
            break
    match.code, match.code_hash = digits, hashed[0]


def _move(db: Session, held: Held, to: str, actor: Actor, now: datetime, *, told: bool = True) -> None:
    """Move the match, set its clock, and tell whom it concerns."""
    MATCH_MACHINE.move(db, held.match, to, actor, now)
    held.match.due_at, held.match.reminded_at = _due(held, to, now), None
    db.flush()
    drop_overtaken(db, held.match)
    if told:
        tell(db, held.match, held.offer, held.request, now)


def _due(held: Held, to: str, now: datetime) -> datetime | None:
    """Return when the clock ends the state: what spoils lies at a point to the end of its last day at most."""
    lasts, last_day = LASTS.get(to), held.offer.best_before
    if lasts is None:
        return None
    due = now + lasts
    if to == "at_point" and last_day is not None:
        due = min(due, datetime.combine(last_day, LAST_SECOND, CHINA))
    return due


def _end(db: Session, held: Held, to: str, actor: Actor, now: datetime, *, told: bool = True) -> None:
    held.match.ended_at, held.match.code, held.match.code_hash = now, None, None
    _move(db, held, to, actor, now, told=told)


def _give_back(db: Session, held: Held, quantity: int, why: str, now: datetime) -> None:
    """Free a quantity of the match: to the shelf where it lies or came from, else to the offer."""
    match = held.match
    if match.shelf_id is not None or match.state == "at_point":
        shelf_at(db, match.offer_id, match.point_id, now).quantity += quantity
    else:
        move(db, held.offer, "release", quantity, f"match:{match.id}:{why}", now)
        _follow_stock(db, held.offer, now)
        # The next round is opened for what was freed first (models.goods.rounds.opening).
        held.offer.turn_at = held.offer.created_at
    held.request.promised -= quantity
    db.flush()


def _to_shelf(db: Session, held: Held, *, promised: bool, now: datetime) -> None:
    shelf_at(db, held.match.offer_id, held.match.point_id, now).quantity += held.match.quantity
    if promised:
        held.request.promised -= held.match.quantity
    db.flush()


def _follow_stock(db: Session, offer: Offer, now: datetime) -> None:
    """Let the offer's state follow what is left of it."""
    if offer.state == "available" and offer.available == 0:
        OFFER_MACHINE.move(db, offer, "exhausted", SYSTEM, now)
    elif offer.state == "exhausted" and offer.available > 0:
        OFFER_MACHINE.move(db, offer, "available", SYSTEM, now)
