"""Gather the candidates of a round: the requests that could be given the goods, and why some of them may not.

Everything is read for all candidates at once, in a number of statements that does not grow with theirs.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.core.base import among
from models.core.calendar import CHINA
from models.goods.exchange import OFFER, REQUEST, GoodsRequest, Offer
from models.goods.matches.match import LIVE, Match
from models.goods.matches.record import collected as collected_by
from models.goods.matches.record import missed as missed_by
from models.goods.points.finding import find_points
from models.goods.points.point import Point, Shelf
from models.goods.rounds.rule import NEAR_LEVELS, Standing
from models.people.family_member import households_with
from models.people.user import User
from models.places.region import inside, parents
from models.staff.conflict_of_interest import conflicts_of
from models.staff.decision import Decision
from models.staff.member import Staff, serving
from models.verification.case import Verification
from models.verification.visit import Visit

# Of more households, those that have waited longest take part.
MOST_CANDIDATES = 5_000
# To see whether anybody could get something, so many are looked at first.
_FEW = 60
# Of households whose county has no open point, so many are kept for the county to see.
MOST_WITHOUT_POINT = 200
_CITY = 4
# Why a candidate can get nothing: it is the donor's household; who decided or keeps the point is of it or kin; no point
# would take it; it wants less than the donor sends; it said no to this offer, did not answer, or did not collect it.
BARS = ("donor", "kin", "no_point", "too_little", "said_no")


@dataclass(frozen=True, slots=True)
class Goods:
    """What a round is about. ``there``: how much there is to share. ``shelf``: the shelf on which it lies, or None."""

    offer: Offer
    shelf: Shelf | None = None

    @property
    def there(self) -> int:
        return self.shelf.quantity if self.shelf else self.offer.available

    @property
    def smallest(self) -> int:
        """The least that one household gets: what lies at the point already is sent to nobody."""
        return 1 if self.shelf else self.offer.smallest


@dataclass(frozen=True, slots=True)
class Gathered:
    """A candidate: its request, the point where it would collect, and why it can get nothing, or None."""

    request: GoodsRequest
    point_id: int | None
    barred: str | None


def is_shareable(db: Session, goods: Goods, now: datetime) -> bool:
    """Tell whether a round could give any of it now: it is public, of a known sort, left, and not past its day.

    What lies on a shelf is shared also after its donor has withdrawn the rest, but not after officers took it down.
    """
    offer = goods.offer
    fresh = offer.best_before is None or offer.best_before > now.astimezone(CHINA).date()
    if not fresh or offer.sort is None or goods.there < goods.smallest:
        return False
    if goods.shelf is None or offer.state in ("available", "exhausted", "expired"):
        return offer.state == "available" or goods.shelf is not None
    return offer.state == "withdrawn" and not _withdrawn_by_staff(db, offer)


def _withdrawn_by_staff(db: Session, offer: Offer) -> bool:
    its_own = (AuditEvent.subject == OFFER.name) & (AuditEvent.subject_id == offer.id)
    by_staff = (AuditEvent.to_state == "withdrawn") & AuditEvent.actor.startswith("staff:")
    return db.scalar(select(AuditEvent.id).where(its_own, by_staff).limit(1)) is not None


def anybody(db: Session, goods: Goods, now: datetime, only: int | None = None) -> bool:
    """Tell whether a candidate could get something of it now. ``only``: ask of this request alone."""
    for most in (_FEW, MOST_CANDIDATES):
        read = db.scalars(_in_turn(goods, now, most, only)).all()
        if any(each.barred is None for each in _barred(db, goods, _with_points(db, goods, _one_each(read), now))):
            return True
        if len(read) < most:
            return False
    return False


def gather(db: Session, goods: Goods, now: datetime) -> list[Gathered]:
    """Find the candidates, those that have waited longest first, one request of a household, and lock their requests.

    The requests are locked from the lowest number up, until the transaction ends.
    """
    chosen = db.scalars(_in_turn(goods, now, MOST_CANDIDATES).with_only_columns(GoodsRequest.id)).all()
    held = _asking(goods, now).where(among(GoodsRequest.id, chosen)).order_by(GoodsRequest.id)
    locked = db.scalars(held.with_for_update(of=GoodsRequest).execution_options(populate_existing=True)).all()
    requests = _one_each(sorted(locked, key=lambda request: (request.waits_from, request.id)))
    found = _with_points(db, goods, requests, now)
    if goods.shelf is None:
        there = {each.request.household_id for each in found}
        lost = [each for each in _one_each(_pointless(db, goods, now)) if each.household_id not in there]
        found += [Gathered(request, None, "no_point") for request in lost]
    return _barred(db, goods, found)


def _in_turn(goods: Goods, now: datetime, most: int, only: int | None = None) -> Select[GoodsRequest]:
    """Select the requests that a point could hand such goods out to, those that have waited longest first."""
    where = _asking(goods, now)
    if only:
        where = where.where(GoodsRequest.id == only)
    if goods.shelf:
        place = select(Point.region_code).where(Point.id == goods.shelf.point_id).scalar_subquery()
        where = where.where(func.left(GoodsRequest.region_code, 6) == func.left(place, 6))
    else:
        where = where.where(_has_point(now))
    return where.order_by(GoodsRequest.waits_from, GoodsRequest.id).limit(most)


def _asking(goods: Goods, now: datetime) -> Select[GoodsRequest]:
    """Select the public requests of verified households for such goods that lack some, and hold none of this offer."""
    offer = goods.offer
    verified = exists().where(
        Verification.household_id == GoodsRequest.household_id,
        Verification.state == "verified",
        Verification.expires_at > now,
    )
    doubted = exists().where(Verification.household_id == GoodsRequest.household_id, Verification.state == "suspended")
    live = exists().where(
        Match.offer_id == offer.id, Match.household_id == GoodsRequest.household_id, Match.state.in_(LIVE)
    )
    weighed = GoodsRequest.unit == "jin" if offer.unit == "jin" else GoodsRequest.unit != "jin"
    asked = (
        select(GoodsRequest)
        .where(GoodsRequest.state == "open", GoodsRequest.category == offer.category, GoodsRequest.sort == offer.sort)
        .where(GoodsRequest.looked_at.is_not(None), GoodsRequest.waits_from.is_not(None), weighed)
        .where(GoodsRequest.quantity > GoodsRequest.promised + GoodsRequest.received)
        .where(verified, ~doubted, ~live)
    )
    if offer.handover == "pickup":
        asked = asked.where(inside(GoodsRequest.region_code, offer.region_code[:_CITY].ljust(12, "0")))
    return asked


def _has_point(now: datetime) -> ColumnElement[bool]:
    """Build a condition on GoodsRequest: its county has an open point."""
    counties = select(func.left(Point.region_code, 6)).join(Staff, Staff.id == Point.keeper_id)
    return func.left(GoodsRequest.region_code, 6).in_(counties.where(Point.state == "open", serving(now)))


def _pointless(db: Session, goods: Goods, now: datetime) -> Sequence[GoodsRequest]:
    without = _asking(goods, now).where(~_has_point(now)).order_by(GoodsRequest.waits_from, GoodsRequest.id)
    return db.scalars(without.limit(MOST_WITHOUT_POINT)).all()


def _one_each(requests: Sequence[GoodsRequest]) -> list[GoodsRequest]:
    """Keep one request of each household, the first: so who splits a wish has no more places than others."""
    first: dict[int, GoodsRequest] = {}
    for request in requests:
        first.setdefault(request.household_id, request)
    return list(first.values())


def _with_points(db: Session, goods: Goods, requests: Sequence[GoodsRequest], now: datetime) -> list[Gathered]:
    """Find each one's point. What lies on a shelf is for those alone whose point it lies at."""
    points = find_points(db, {request.household_id: request.region_code for request in requests}, now)
    found = [Gathered(request, points.get(request.household_id), None) for request in requests]
    if goods.shelf:
        return [each for each in found if each.point_id == goods.shelf.point_id]
    return [each if each.point_id else replace(each, barred="no_point") for each in found]


def _barred(db: Session, goods: Goods, found: list[Gathered]) -> list[Gathered]:
    """Note of each candidate the first reason for which it can get nothing."""
    offer = goods.offer
    donor = db.get_one(User, offer.donor_id)
    own = {donor.household_id, *(households_with(db, donor.id_number) if donor.id_number else ())}
    kin = _kin_of_who_decided(db, goods, found)
    refused = set(
        db.scalars(select(Match.household_id).where(Match.offer_id == offer.id, Match.ended_by == "household"))
    )
    barred = []
    for each in found:
        request = each.request
        reasons = {
            "donor": request.owner_id == donor.id or request.household_id in own,
            "kin": request.id in kin,
            "no_point": each.barred == "no_point",
            "too_little": request.missing < goods.smallest,
            "said_no": request.household_id in refused,
        }
        barred.append(replace(each, barred=next((why for why in BARS if reasons[why]), None)))
    return barred


def _kin_of_who_decided(db: Session, goods: Goods, found: Collection[Gathered]) -> set[int]:
    """Return the requests whose household is of, or kin to, an officer who decided on the offer or on the request.

    Of a point's keeper nobody is kin: models.goods.points.finding leaves such points out.
    """
    of_offer = select(Decision.subject_id, Decision.staff_id).where(
        Decision.subject == OFFER.name, Decision.subject_id == goods.offer.id
    )
    of_requests = select(Decision.subject_id, Decision.staff_id).where(
        Decision.subject == REQUEST.name, among(Decision.subject_id, [each.request.id for each in found])
    )
    on_offer = {seat for _, seat in db.execute(of_offer)}
    on_request: dict[int, set[int]] = {}
    for number, seat in db.execute(of_requests):
        on_request.setdefault(number, set()).add(seat)
    against = conflicts_of(db, on_offer.union(*on_request.values()))
    return {
        each.request.id
        for each in found
        for seat in on_offer | on_request.get(each.request.id, set())
        if each.request.household_id in against[seat]
    }


def standings(
    db: Session, goods: Goods, found: Sequence[Gathered], keys: Mapping[int, str], at: datetime
) -> list[Standing]:
    """Read what the rule knows of each candidate at the round's close ``at``. ``keys``: request -> pseudonym."""
    households = [each.request.household_id for each in found]
    scores, helped, missed = scores_of(db, households), collected_by(db, households, at), missed_by(db, households, at)
    came = sorted(found, key=lambda each: (each.request.looked_at or at, each.request.id))
    numbers = {each.request.id: number for number, each in enumerate(came, 1)}
    today = at.astimezone(CHINA).date()
    return [
        Standing(
            key=keys[request.id],
            assessed=scores.get(request.household_id),
            waited=(at - (request.waits_from or at)).days,
            days_left=(request.need_by - today).days if request.need_by else None,
            helped=helped.get(request.household_id, 0),
            missed=missed.get(request.household_id, 0),
            levels=_levels(goods.offer, request),
            came=numbers[request.id],
        )
        for request in (each.request for each in found)
    ]


def _levels(offer: Offer, request: GoodsRequest) -> int | None:
    """Count the levels of region that both lie in, the province not counted; None where the goods are posted."""
    if offer.handover == "post":
        return None
    both = {offer.region_code, *parents(offer.region_code)} & {request.region_code, *parents(request.region_code)}
    return min(max(len(both) - 1, 0), NEAR_LEVELS)


def scores_of(db: Session, households: Collection[int]) -> dict[int, int]:
    """Map households to the score of their newest visit."""
    newest = (
        select(Verification.household_id, Visit.score)
        .join(Visit, Visit.verification_id == Verification.id)
        .where(among(Verification.household_id, households))
        .ext(distinct_on(Verification.household_id))
        .order_by(Verification.household_id, Visit.id.desc())
    )
    return dict(db.execute(newest).all())
