"""Show fund holders the files of their matching pools: the terms, and the sums paid in, matched, returned and left."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.paging import Page, page_of
from models.giving.pool import MatchingPool, PoolMatch, transferred
from models.places.region import Region
from models.staff.fund_holder import holder_of
from models.staff.member import Staff

PAGE = 5


@dataclass(frozen=True, slots=True)
class PoolFile:
    """A pool as its fund holder sees it, with the ``title`` of its one appeal, or the ``place`` of its region.

    ``paid_in_fen`` less ``paid_back_fen`` less ``matched_fen`` (net of returned matches) is ``held_fen``.
    """

    number: int
    sponsor: str
    appeal: int | None
    title: str
    category: str | None
    place: str
    cap_fen: int
    per_donor_fen: int
    per_appeal_fen: int
    open_until: datetime
    state: str
    paid_in_fen: int
    paid_back_fen: int
    matched_fen: int
    came_back_fen: int
    gifts: int
    held_fen: int

    @property
    def to_come_fen(self) -> int:
        return self.cap_fen - self.paid_in_fen + self.paid_back_fen


def pools_of(db: Session, staff: Staff, before: int | None) -> Page[PoolFile]:
    """List the fund holder's pools, the newest first, from below the number ``before``."""
    wanted = select(MatchingPool).where(MatchingPool.holder_id == holder_of(staff))
    if before is not None:
        wanted = wanted.where(MatchingPool.id < before)
    found = db.scalars(wanted.order_by(MatchingPool.id.desc()).limit(PAGE + 1)).all()
    return page_of([file_of(db, pool) for pool in found], PAGE, lambda file: file.number)


def file_of(db: Session, pool: MatchingPool) -> PoolFile:
    appeal = db.get(Appeal, pool.appeal_id) if pool.appeal_id else None
    region = db.get(Region, pool.region_code) if pool.region_code else None
    counts = select(func.count(), func.coalesce(func.sum(PoolMatch.returned_fen), 0))
    gifts, came_back = db.execute(counts.where(PoolMatch.pool_id == pool.id)).one()
    paid_in, paid_back = transferred(db, pool.id)
    fields = ("sponsor", "category", "cap_fen", "per_donor_fen", "per_appeal_fen", "open_until", "state", "matched_fen")
    return PoolFile(
        number=pool.id,
        appeal=pool.appeal_id,
        title=appeal.title if appeal else "",
        place=region.full_name if region else "",
        paid_in_fen=paid_in,
        paid_back_fen=paid_back,
        came_back_fen=int(came_back),
        gifts=gifts,
        held_fen=paid_in - paid_back - pool.matched_fen,
        **{name: getattr(pool, name) for name in fields},
    )
