"""Fund holders open matching pools, enter what sponsors pay in, close pools and enter what is paid back.

A pool belongs to the fund holder whose bank has its money; no other staff see its file. Its terms never change. A
closed pool adds nothing, and its money is the sponsor's; a gift refunded later may return more, to be paid back too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.audit_trail import record
from models.core.refusal import Refusal
from models.giving.pool import MACHINE, MatchingPool, PoolMatch, PoolTransfer, find_pool
from models.ledger import Account, lock, moves
from models.ledger.errors import PayoutShort, ReferenceUsed
from models.places.region import Region
from models.staff.fund_holder import holder_of
from models.staff.member import Staff


class PoolStands(Refusal):
    """The pool is closed, or it is still open and only a closed one can be paid back (``state``)."""

    code = "pool_stands"
    final = True


class OverPool(Refusal):
    """The sum exceeds the pool's cap: only ``left_fen`` may still be paid in."""

    code = "over_pool"
    step = "amount"


class PoolEmpty(Refusal):
    """The pool holds too little, or nothing, to pay back."""

    code = "pool_empty"
    final = True


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
class Terms:
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


def open_pool(db: Session, staff: Staff, terms: Terms, now: datetime) -> MatchingPool:
    """Open a pool; the same draft twice gives the same pool. Raises as ``check_scope``."""
    earlier = db.scalar(select(MatchingPool).where(MatchingPool.draft_id == terms.draft_id))
    if earlier:
        return earlier
    check_scope(db, staff, terms.appeal_id, terms.region_code, now, terms.open_until)
    fields = {name: getattr(terms, name) for name in Terms.__slots__}
    pool = MatchingPool(**fields, holder_id=holder_of(staff), state="open", opened_by=staff.id, opened_at=now)
    db.add(pool)
    db.flush()
    _record(db, staff, pool, "opened", now)
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
        takes = appeal is not None and appeal.state == "funding" and appeal.deadline > now
        if appeal is None or not takes or not staff.covers(appeal.region_code):
            raise NotForAppeal(number=appeal_id)
        if until and until > appeal.deadline:
            raise PoolEnds(number=appeal.id, deadline=appeal.deadline)


def pay_in(
    db: Session, staff: Staff, number: int, draft_id: str, fen: int, reference: str, now: datetime
) -> PoolTransfer:
    """Enter money that the sponsor paid in at the bank; the same draft twice gives the same transfer.

    Locks the pool. Raises NoSuchPool, PoolStands, OverPool or ReferenceUsed.
    """
    if earlier := _earlier(db, draft_id):
        return earlier
    pool = find_pool(db, staff, number, lock=True)
    check_takes(db, pool, fen)
    transfer = _transfer(db, staff, pool, "paid_in", draft_id, fen, reference, now)
    lock(db, [pool.account, _bank(pool)])
    moves.pool_funded(db, pool.id, pool.holder_id, fen, transfer.cause, now)
    return transfer


def check_takes(db: Session, pool: MatchingPool, fen: int) -> None:
    """Check that an open pool may take this sum under its cap. Raises PoolStands or OverPool."""
    check_is_open(pool)
    left = pool.cap_fen - _at_bank(db, pool.id)
    if fen > left:
        raise OverPool(number=pool.id, left_fen=left)


def check_is_open(pool: MatchingPool) -> None:
    """Check that the pool is open. Raises PoolStands."""
    if pool.state != "open":
        raise PoolStands(number=pool.id, state=pool.state)


def close(db: Session, staff: Staff, number: int, now: datetime) -> MatchingPool:
    """Close a pool, under lock: it matches no more gifts. Raises NoSuchPool or PoolStands."""
    pool = find_pool(db, staff, number, lock=True)
    check_is_open(pool)
    MACHINE.move(db, pool, "closed", staff.actor, now)
    pool.closed_at = now
    db.flush()
    return pool


def check_returns(db: Session, staff: Staff, number: int) -> int:
    """Return the fen to pay back from a closed pool; locks it and its accounts.

    Raises NoSuchPool, PoolStands, PoolEmpty or PayoutShort.
    """
    pool = find_pool(db, staff, number, lock=True)
    if pool.state != "closed":
        raise PoolStands(number=pool.id, state=pool.state)
    accounts = lock(db, [pool.account, _bank(pool)])
    fen, there = accounts[pool.account].balance_fen, accounts[_bank(pool)].balance_fen
    if fen == 0:
        raise PoolEmpty(number=pool.id)
    if there < fen:
        raise PayoutShort(held_fen=there)
    return fen


def pay_back(
    db: Session, staff: Staff, number: int, draft_id: str, fen: int, reference: str, now: datetime
) -> PoolTransfer:
    """Enter a transfer back to the sponsor; the same draft twice gives the same transfer.

    ``fen``: as shown before the bank transfer; money returned to the pool since then stays for the next one. Raises as
    ``check_returns``, or ReferenceUsed.
    """
    if earlier := _earlier(db, draft_id):
        return earlier
    if fen > check_returns(db, staff, number):
        raise PoolEmpty(number=number)
    pool = find_pool(db, staff, number)
    transfer = _transfer(db, staff, pool, "returned", draft_id, fen, reference, now)
    moves.pool_returned(db, pool.id, pool.holder_id, fen, transfer.cause, now)
    return transfer


def check_reference(db: Session, staff: Staff, reference: str) -> None:
    """Check that the fund holder has no pool transfer with this bank reference. Raises ReferenceUsed."""
    same = (PoolTransfer.holder_id == holder_of(staff)) & (PoolTransfer.bank_reference == reference)
    if db.scalar(select(PoolTransfer.id).where(same)):
        raise ReferenceUsed(reference=reference)


def pools_of(db: Session, staff: Staff, most: int, before: int | None = None) -> Sequence[PoolFile]:
    """List the fund holder's pools, the newest first; ``before``: only those below this number."""
    wanted = select(MatchingPool).where(MatchingPool.holder_id == holder_of(staff))
    if before is not None:
        wanted = wanted.where(MatchingPool.id < before)
    return [file_of(db, pool) for pool in db.scalars(wanted.order_by(MatchingPool.id.desc()).limit(most))]


def file_of(db: Session, pool: MatchingPool) -> PoolFile:
    appeal = db.get(Appeal, pool.appeal_id) if pool.appeal_id else None
    region = db.get(Region, pool.region_code) if pool.region_code else None
    counts = select(func.count(), func.coalesce(func.sum(PoolMatch.returned_fen), 0))
    gifts, came_back = db.execute(counts.where(PoolMatch.pool_id == pool.id)).one()
    paid_in, paid_back = _paid(db, pool.id)
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


def _earlier(db: Session, draft_id: str) -> PoolTransfer | None:
    return db.scalar(select(PoolTransfer).where(PoolTransfer.draft_id == draft_id))


def _transfer(
    db: Session, staff: Staff, pool: MatchingPool, kind: str, draft_id: str, fen: int, reference: str, now: datetime
) -> PoolTransfer:
    check_reference(db, staff, reference)
    transfer = PoolTransfer(
        draft_id=draft_id,
        pool_id=pool.id,
        holder_id=pool.holder_id,
        kind=kind,
        amount_fen=fen,
        bank_reference=reference,
        entered_by=staff.id,
        at=now,
    )
    db.add(transfer)
    db.flush()
    _record(db, staff, pool, kind, now, str(fen))
    return transfer


def _paid(db: Session, pool_id: int) -> tuple[int, int]:
    """Sum up a pool's transfers in fen: (paid in, paid back)."""
    fen = PoolTransfer.amount_fen
    both = (func.sum(case((PoolTransfer.kind == kind, fen), else_=0)) for kind in ("paid_in", "returned"))
    row = db.execute(select(*both).where(PoolTransfer.pool_id == pool_id)).one()
    return int(row[0] or 0), int(row[1] or 0)


def _at_bank(db: Session, pool_id: int) -> int:
    paid_in, paid_back = _paid(db, pool_id)
    return paid_in - paid_back


def _bank(pool: MatchingPool) -> Account:
    return Account("bank", pool.holder_id)


def _record(
    db: Session, staff: Staff, pool: MatchingPool, action: str, now: datetime, detail: str | None = None
) -> None:
    name = staff.actor.name
    record(db, at=now, actor=name, action=action, subject="matching_pool", subject_id=pool.id, detail=detail)
