"""Submit offers and requests for review; of a known giver's offers a random sample is reviewed."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from models.core.lottery import draw
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor
from models.goods.destination import place_of_review
from models.goods.exchange import OFFER, REQUEST, GoodsRequest, Offer
from models.goods.matches.giving_up import turned_away
from models.goods.matches.holding import follow_received
from models.goods.need_notifications import notify_donors
from models.goods.one_request import Need, check_one_request
from models.goods.review import Reviewed, publish, submit
from models.goods.rounds.opening import open_for_offer, open_for_request
from models.goods.rounds.waiting import begin_waiting, keep_waiting
from models.goods.rules import STRICT, GoodsRules
from models.people.user import User, lock_home
from models.staff.decision import Decision
from models.staff.task import Matter, close_task
from models.stock.move import open_stock, restock

_FAULTS = ("reject", "freeze")
_WHAT_IT_IS = ("category", "item", "unit", "sort")


class InUse(Refusal):
    """A part of the offer or request (``subject``, ``number``) is promised or given: it stays an ``item``."""

    code = "goods_in_use"
    final = True


class DayInUse(Refusal):
    """A part of the offer ``number`` is promised or lies at a handover point: it is good until ``day``, as was said."""

    code = "best_before_in_use"
    final = True


class LessThanPromised(Refusal):
    """Of the request ``number``, ``given`` is promised or received, in its ``unit``: it cannot ask for less."""

    code = "less_than_promised"


def _matter_of_offer(db: Session, offer: Offer) -> Matter:
    household = db.get_one(User, offer.donor_id).household_id
    return Matter(OFFER.name, offer.id, offer.goes_to or offer.region_code, household)


def _matter_of_request(_db: Session, request: GoodsRequest) -> Matter:
    return Matter(REQUEST.name, request.id, request.region_code, request.household_id)


def _choose_place(db: Session, offer: Offer) -> None:
    offer.goes_to = place_of_review(db, offer)


def _describe_offer(offer: Offer) -> dict[str, Any]:
    names = ("category", "unit", "available", "condition", "best_before", "handover", "smallest")
    return {name: getattr(offer, name) for name in names}


def _describe_request(request: GoodsRequest) -> dict[str, Any]:
    return {name: getattr(request, name) for name in ("category", "unit", "quantity", "missing", "need_by")}


def _on_request_open(db: Session, request: GoodsRequest, now: datetime, rules: GoodsRules) -> None:
    """Open rounds and notify donors; end a request that got all it asks for while it was mended or reviewed."""
    begin_waiting(request, now)
    follow_received(db, request, now)
    db.flush()
    if request.state == "open" and request.missing:
        open_for_request(db, request, now, rules)
        notify_donors(db, request, now)


OFFER_REVIEW = Reviewed(
    OFFER,
    approval_states=("screened", "available"),
    taken_down="returned",
    of_household=False,
    matter=_matter_of_offer,
    step=lambda _db, _offer: "offer",
    describe=_describe_offer,
    needs_reason=lambda _offer, _step, _rules: False,
    prepare=_choose_place,
    on_public=open_for_offer,
)
REQUEST_REVIEW = Reviewed(
    REQUEST,
    approval_states=("checked", "open"),
    taken_down="returned",
    of_household=True,
    matter=_matter_of_request,
    step=lambda _db, _request: "request",
    describe=_describe_request,
    needs_reason=lambda _request, _step, _rules: False,
    prepare=lambda _db, _request: None,
    on_public=_on_request_open,
)


@dataclass(frozen=True)
class NewOffer:
    draft_id: str
    category: str
    item: str
    unit: str
    quantity: int
    condition: str
    best_before: date | None
    handover: str
    region_code: str
    sort: str | None = None
    smallest: int = 1


@dataclass(frozen=True)
class NewRequest:
    draft_id: str
    category: str
    item: str
    unit: str
    quantity: int
    reason: str
    region_code: str
    sort: str | None = None
    need_by: date | None = None


def make_offer(db: Session, wanted: NewOffer, donor: User, now: datetime, rules: GoodsRules = STRICT) -> Offer:
    """Submit an offer; a known giver's that is not in the sample is public at once.

    The same draft again returns the earlier offer.
    """
    earlier = db.scalar(select(Offer).where(Offer.draft_id == wanted.draft_id))
    if earlier:
        return earlier
    fields = asdict(wanted)
    quantity = fields.pop("quantity")
    offer = Offer(**fields, initial=quantity, available=quantity, donor_id=donor.id, created_at=now, turn_at=now)
    db.add(offer)
    db.flush()
    open_stock(db, offer, now)
    submit_offer(db, offer, now, rules)
    return offer


def submit_offer(db: Session, offer: Offer, now: datetime, rules: GoodsRules) -> None:
    """Submit an offer, for the first time or again; a known giver's that is not in the sample is public at once.

    An offer that is waiting or was returned is always reviewed, however often it is submitted, and so is one whose
    donor turned households away until it expired.
    """
    waits = offer.state in ("submitted", "returned") or turned_away(db, offer)
    submit(db, OFFER_REVIEW, offer, Actor.owner(offer.donor_id), now)
    if not waits and is_known_giver(db, offer.donor_id, rules) and not _is_drawn(offer, rules):
        close_task(db, OFFER.name, offer.id, now)
        publish(db, OFFER_REVIEW, offer, SYSTEM, now, rules)


def make_request(db: Session, wanted: NewRequest, owner: User, now: datetime) -> GoodsRequest:
    """Submit a request of the owner's household. The same draft again returns the earlier request.

    Raises RequestedAlready.
    """
    earlier = db.scalar(select(GoodsRequest).where(GoodsRequest.draft_id == wanted.draft_id))
    if earlier:
        return earlier
    household = lock_home(db, owner)
    request = GoodsRequest(**asdict(wanted), owner_id=owner.id, household_id=household, created_at=now)
    check_one_request(db, Need.of(request), owner.id)
    db.add(request)
    db.flush()
    submit(db, REQUEST_REVIEW, request, Actor.owner(owner.id), now)
    return request


def mend_offer(db: Session, offer: Offer, wanted: NewOffer, now: datetime, rules: GoodsRules) -> None:
    """Change an offer, and submit it again. The caller holds its row (models.goods.ending.hold_own).

    Raises InUse, or DayInUse while it is promised or lies at a point: households agreed to that day, by which the
    clock decides what is lost (models.goods.matches.clock).
    """
    _keep_what_was_promised(OFFER.name, offer, wanted, offer.reserved + offer.delivered + offer.lost)
    if offer.reserved and wanted.best_before != offer.best_before:
        raise DayInUse(number=offer.id, item=offer.title, day=offer.best_before)
    for name in (*_WHAT_IT_IS, "condition", "best_before", "handover", "region_code", "smallest"):
        setattr(offer, name, getattr(wanted, name))
    restock(db, offer, wanted.quantity, f"mended:{offer.round}", now)
    submit_offer(db, offer, now, rules)


def mend_request(db: Session, request: GoodsRequest, wanted: NewRequest, now: datetime) -> None:
    """Change a request, and submit it again. The caller holds its row (models.goods.ending.hold_own).

    Raises InUse, LessThanPromised or RequestedAlready.
    """
    given = request.promised + request.received
    _keep_what_was_promised(REQUEST.name, request, wanted, given)
    if wanted.quantity < given:
        raise LessThanPromised(number=request.id, given=given, unit=request.unit)
    keep_waiting(db, request, wanted, now)
    for name in (*_WHAT_IT_IS, "quantity", "reason", "region_code", "need_by"):
        setattr(request, name, getattr(wanted, name))
    with db.no_autoflush:
        check_one_request(db, Need.of(request), request.owner_id, but=request.id)
    submit(db, REQUEST_REVIEW, request, Actor.owner(request.owner_id), now)


def _keep_what_was_promised(name: str, thing: Offer | GoodsRequest, wanted: NewOffer | NewRequest, given: int) -> None:
    """Check that what people agreed to stays what it is: its sort, name and unit. Raises InUse."""
    if given and any(getattr(thing, part) != getattr(wanted, part) for part in _WHAT_IT_IS):
        raise InUse(subject=name, number=thing.id, item=thing.title)


def is_known_giver(db: Session, donor_id: int, rules: GoodsRules) -> bool:
    """Tell whether officers approved ``known_after`` of the donor's offers, and never rejected or took down one."""
    if not rules.known_after:
        return False
    theirs = (Decision.subject == OFFER.name) & (Decision.subject_id == Offer.id) & (Offer.donor_id == donor_id)
    passed = select(func.count(Offer.id.distinct())).where(theirs, Decision.verdict == "pass")
    faults = exists().where(theirs, Decision.verdict.in_(_FAULTS))
    return (db.scalar(passed) or 0) >= rules.known_after and not db.scalar(select(faults))


def _is_drawn(offer: Offer, rules: GoodsRules) -> bool:
    return draw(f"offer:{offer.id}:{offer.round}", "look", 100) < rules.reviewed_of_hundred
