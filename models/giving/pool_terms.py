"""Fund holders open matching pools, on terms that never change, and close them.

A pool belongs to the fund holder whose bank has its money; no other staff see its file. A closed pool adds nothing, and
its money is the sponsor's.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.audit_trail import record
from models.core.refusal import Refusal
from models.giving.pool import MACHINE, MatchingPool, check_is_open, find_pool
from models.places.region import Region
from models.staff.fund_holder import holder_of
from models.staff.member import Staff


class NotForAppeal(Refusal):
    """The fund holder's region has no such appeal, or it takes no gifts; the refusal does not say which."""

    code = "not_for_appeal"
    step = "appeal"


class PlaceElsewhere(Refusal):
    """The place is outside the fund holder's region, which ``region`` names."""

    code = "place_elsewhere"
    step = "place"


class PoolEnds(Refusal):
    """The pool would stay open after the appeal's ``deadline``, when no gifts come any more."""

    code = "pool_ends"
    step = "until"


@dataclass(frozen=True, slots=True)
class PoolTerms:
    """A new pool's terms: for ``appeal_id``, or for ``category`` in ``region_code``."""

    draft_id: str
    sponsor: str
    appeal_id: int | None
    category: str | None
    region_code: str | None
    cap_fen: int
    per_donor_fen: int
    per_appeal_fen: int
    open_until: datetime


def open_pool(db: Session, staff: Staff, terms: PoolTerms, now: datetime) -> MatchingPool:
    """Open a pool; the same draft twice gives the same pool. Raises as ``check_scope``."""
    earlier = db.scalar(select(MatchingPool).where(MatchingPool.draft_id == terms.draft_id))
    if earlier:
        return earlier
    check_scope(db, staff, terms.appeal_id, terms.region_code, now, terms.open_until)
    fields = {name: getattr(terms, name) for name in PoolTerms.__slots__}
    pool = MatchingPool(**fields, holder_id=holder_of(staff), state="open", opened_by=staff.id, opened_at=now)
    db.add(pool)
    db.flush()
    record(db, at=now, actor=staff.actor.name, action="opened", subject="matching_pool", subject_id=pool.id)
    return pool


def check_scope(
    db: Session,
    staff: Staff,
    appeal_id: int | None,
    region_code: str | None,
    now: datetime,
    until: datetime | None = None,
) -> None:
    """Check that the pool's appeal or region is the fund holder's. Raises NotForAppeal, PlaceElsewhere or PoolEnds."""
    if region_code and not staff.covers(region_code):
        raise PlaceElsewhere(region=db.get_one(Region, staff.region_code).full_name)
    if appeal_id:
        appeal = db.get(Appeal, appeal_id)
        if appeal is None or not appeal.collects(now) or appeal.charity_id != staff.charity_id:
            raise NotForAppeal(number=appeal_id)
        if until and until > appeal.closes_at:
            raise PoolEnds(number=appeal.id, deadline=appeal.closes_at)


def close_pool(db: Session, staff: Staff, number: int, now: datetime) -> MatchingPool:
    """Close a pool, under lock: it matches no more gifts. Raises NoSuchPool or WrongPoolState."""
    pool = find_pool(db, staff, number, lock=True)
    check_is_open(pool)
    MACHINE.move(db, pool, "closed", staff.actor, now)
    pool.closed_at = now
    db.flush()
    return pool
