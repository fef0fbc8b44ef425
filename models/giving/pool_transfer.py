"""Fund holders enter what sponsors pay into a matching pool, and what is paid back of a closed one.

A gift refunded after the pool was closed may return more to it, to be paid back too.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.hooks import Hook
from models.core.refusal import Refusal
from models.giving.pool import MatchingPool, PoolTransfer, WrongPoolState, check_is_open, find_pool, transferred
from models.ledger import Account, lock, moves
from models.ledger.errors import PayoutShort, ReferenceUsed
from models.staff.fund_holder import holder_of
from models.staff.member import Staff

# Argument: a bank account's number. Returns the fen that may be leaving it at this moment as payouts.
transferring_fen: Hook[[Session, int], int] = Hook("giving.pool_transfer.transferring_fen")


class OverPool(Refusal):
    """The sum exceeds the pool's cap: only ``left_fen`` may still be paid in."""

    code = "over_pool"
    step = "amount"


class PoolEmpty(Refusal):
    """The pool holds too little, or nothing, to pay back."""

    code = "pool_empty"
    final = True


def pay_in(
    db: Session, staff: Staff, number: int, draft_id: str, fen: int, reference: str, now: datetime
) -> PoolTransfer:
    """Enter money that the sponsor paid in at the bank; the same draft twice gives the same transfer.

    Locks the pool. Raises NoSuchPool, WrongPoolState, OverPool or ReferenceUsed.
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
    """Check that an open pool may take this sum under its cap. Raises WrongPoolState or OverPool."""
    check_is_open(pool)
    paid_in, paid_back = transferred(db, pool.id)
    left = pool.cap_fen - paid_in + paid_back
    if fen > left:
        raise OverPool(number=pool.id, left_fen=left)


def check_pays_back(db: Session, staff: Staff, number: int) -> int:
    """Return the fen to pay back from a closed pool; locks it and its accounts.

    Raises NoSuchPool, WrongPoolState, PoolEmpty or PayoutShort.
    """
    pool = find_pool(db, staff, number, lock=True)
    if pool.state != "closed":
        raise WrongPoolState(number=pool.id, state=pool.state)
    accounts = lock(db, [pool.account, _bank(pool)])
    fen = accounts[pool.account].balance_fen
    there = accounts[_bank(pool)].balance_fen - transferring_fen(db, pool.holder_id)
    if fen == 0:
        raise PoolEmpty(number=pool.id)
    if there < fen:
        raise PayoutShort(held_fen=there, need_fen=fen)
    return fen


def pay_back(
    db: Session, staff: Staff, number: int, draft_id: str, fen: int, reference: str, now: datetime
) -> PoolTransfer:
    """Enter a transfer back to the sponsor; the same draft twice gives the same transfer.

    ``fen``: as shown before the bank transfer; money returned to the pool since then stays for the next one. Raises as
    ``check_pays_back``, or ReferenceUsed.
    """
    if earlier := _earlier(db, draft_id):
        return earlier
    if fen > check_pays_back(db, staff, number):
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
    actor, detail = staff.actor.name, str(fen)
    record(db, at=now, actor=actor, action=kind, subject="matching_pool", subject_id=pool.id, detail=detail)
    return transfer


def _bank(pool: MatchingPool) -> Account:
    return Account("bank", pool.holder_id)
