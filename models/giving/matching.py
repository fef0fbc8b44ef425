"""Matching: pools add to gifts, yuan for yuan, and take the rest back when a gift is refunded.

Lock order: appeal, pledge, order, pools by their numbers, then all ledger accounts of the transaction at once. Several
pools may add to one gift, the oldest first; together they add no more than the gift. A payout takes from a gift and its
match in proportion (models.disbursements.allocation), so that the rests of both are returned together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.apportionment import split
from models.giving.allocation import DisbursementShare
from models.giving.pledge import LEFT_APPEAL, Pledge
from models.giving.pool import MatchingPool, PoolMatch
from models.ledger import Account, lock, moves
from models.ledger.accounts import LedgerAccount, Locked
from models.places.region import parents

# The most pools that match one gift, because all of them are named to its donor.
MOST_POOLS = 3
_NET = PoolMatch.fen - PoolMatch.returned_fen


@dataclass(frozen=True, slots=True)
class SponsorMatch:
    """What one sponsor added to one gift; public."""

    sponsor: str
    fen: int


@dataclass(frozen=True, slots=True)
class MatchingOffer:
    """A sponsor's public offer to match gifts ``until`` then, while the pool has money left."""

    sponsor: str
    until: datetime


def pools_for(db: Session, appeal: Appeal, now: datetime, *, held: bool = False) -> Sequence[MatchingPool]:
    """List open pools that match gifts to this appeal, by number; ``held``: locked until the transaction ends.

    A pool's money is its charity's, and is added to no gift that another charity collects.
    """
    where = [*parents(appeal.region_code), appeal.region_code]
    around = MatchingPool.region_code.in_(where) & (MatchingPool.category == appeal.category)
    wanted = select(MatchingPool).where(MatchingPool.state == "open", MatchingPool.open_until > now)
    wanted = wanted.where(or_(MatchingPool.appeal_id == appeal.id, around)).order_by(MatchingPool.id)
    if held:
        wanted = wanted.with_for_update(key_share=True).execution_options(populate_existing=True)
    return [pool for pool in db.scalars(wanted) if pool.charity_id == appeal.charity_id]


def matching_offers(db: Session, appeal_id: int, now: datetime) -> list[MatchingOffer]:
    """List the offers to match a gift to this appeal now, without sums: other gifts may use them up first."""
    appeal = db.get(Appeal, appeal_id)
    if appeal is None or not appeal.collects(now):
        return []
    found = []
    for pool in pools_for(db, appeal, now):
        of_appeal = select(func.coalesce(func.sum(_NET), 0))
        of_appeal = of_appeal.where(PoolMatch.pool_id == pool.id, PoolMatch.appeal_id == appeal_id)
        left = pool.per_appeal_fen - int(db.scalar(of_appeal) or 0)
        there = db.scalar(select(LedgerAccount.balance_fen).where(*_is_account(pool.account))) or 0
        if min(left, there, pool.cap_fen - pool.matched_fen) > 0:
            found.append(MatchingOffer(pool.sponsor, pool.open_until))
    return found[:MOST_POOLS]


def _is_account(account: Account) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return LedgerAccount.kind == account.kind, LedgerAccount.subject_id == account.subject_id


def lock_pools(
    db: Session, appeal: Appeal, now: datetime, others: Iterable[Account]
) -> tuple[Sequence[MatchingPool], dict[Account, Locked]]:
    """Lock and return a gift's pools and all accounts that it will move money on, before it is posted.

    The caller holds the appeal.
    """
    pools = pools_for(db, appeal, now, held=True)
    return pools, lock(db, [Account("appeal", appeal.id), *others, *(pool.account for pool in pools)])


def match_gift(
    db: Session, pools: Sequence[MatchingPool], appeal: Appeal, pledge: Pledge, room_fen: int, now: datetime
) -> list[SponsorMatch]:
    """Match a gift that was just committed, within every cap, the pools' money and the appeal's room.

    ``pools``: as ``lock_pools`` returned them. ``room_fen``: what the appeal still takes after the gift.
    """
    left, added = min(pledge.amount_fen, room_fen), list[SponsorMatch]()
    for pool in pools:
        fen = min(left, _matchable_fen(db, pool, appeal, pledge))
        if fen <= 0 or len(added) == MOST_POOLS:
            continue
        match = PoolMatch(
            pool_id=pool.id, pledge_id=pledge.id, appeal_id=appeal.id, donor_id=pledge.donor_id, fen=fen, at=now
        )
        db.add(match)
        pool.matched_fen += fen
        db.flush()
        moves.matched(db, pool.id, appeal.id, fen, match.cause, now)
        added.append(SponsorMatch(pool.sponsor, fen))
        left -= fen
    return added


def _matchable_fen(db: Session, pool: MatchingPool, appeal: Appeal, pledge: Pledge) -> int:
    """Return the fen that the pool's caps and money leave for this gift."""
    net = select(func.coalesce(func.sum(_NET), 0)).where(PoolMatch.pool_id == pool.id)
    of_donor = int(db.scalar(net.where(PoolMatch.donor_id == pledge.donor_id)) or 0)
    of_appeal = int(db.scalar(net.where(PoolMatch.appeal_id == appeal.id)) or 0)
    return min(
        pool.cap_fen - pool.matched_fen,
        pool.per_donor_fen - of_donor,
        pool.per_appeal_fen - of_appeal,
        lock(db, [pool.account])[pool.account].balance_fen,
    )


def lock_matches(db: Session, pledge_ids: Sequence[int], others: Iterable[Account] = ()) -> None:
    """Lock the pools that matched these gifts and all accounts to move money on, before refunds; appeals are held.

    ``others``: accounts besides those of the pools and of the gifts' appeals.
    """
    of_them = select(PoolMatch.pool_id).where(PoolMatch.pledge_id.in_(pledge_ids), _NET > 0)
    pools = select(MatchingPool).where(MatchingPool.id.in_(of_them)).order_by(MatchingPool.id)
    held = db.scalars(pools.with_for_update(key_share=True).execution_options(populate_existing=True)).all()
    appeals = db.scalars(select(Pledge.appeal_id).where(Pledge.id.in_(pledge_ids)).distinct()).all()
    of_appeals = [Account("appeal", number) for number in appeals]
    lock(db, [*of_appeals, *others, *(pool.account for pool in held)])


def return_matches(db: Session, pledge_ids: Sequence[int], now: datetime) -> int:
    """Return the unspent matches of these gifts to their pools, after ``lock_matches``. Returns the sum in fen."""
    matches = db.scalars(
        select(PoolMatch)
        .where(PoolMatch.pledge_id.in_(pledge_ids), _NET > 0)
        .order_by(PoolMatch.id)
        .execution_options(populate_existing=True)
    ).all()
    lefts, total = unspent_matches(db, {match.pledge_id for match in matches}), 0
    for pledge_id in sorted(lefts):
        of_gift = {match.id: match for match in matches if match.pledge_id == pledge_id}
        weights = {number: match.fen - match.returned_fen for number, match in of_gift.items()}
        for number, fen in split(lefts[pledge_id], weights).items():
            _return(db, of_gift[number], fen, now)
            total += fen
    return total


def _return(db: Session, match: PoolMatch, fen: int, now: datetime) -> None:
    match.returned_fen += fen
    match.returns += 1
    db.get_one(MatchingPool, match.pool_id).matched_fen -= fen
    db.flush()
    moves.match_returned(db, match.pool_id, match.appeal_id, fen, match.return_cause, now)


def unspent_matches(db: Session, pledge_ids: Iterable[int]) -> dict[int, int]:
    """Gift -> fen added to it that were neither paid out nor returned; gifts with nothing left are left out."""
    numbers = sorted(pledge_ids)
    net = select(PoolMatch.pledge_id, func.sum(_NET)).where(PoolMatch.pledge_id.in_(numbers))
    spent = select(DisbursementShare.pledge_id, func.sum(DisbursementShare.matched_fen))
    spent = spent.where(DisbursementShare.pledge_id.in_(numbers)).group_by(DisbursementShare.pledge_id)
    taken = {number: int(fen) for number, fen in db.execute(spent)}
    lefts = {number: int(fen) - taken.get(number, 0) for number, fen in db.execute(net.group_by(PoolMatch.pledge_id))}
    return {number: fen for number, fen in lefts.items() if fen}


def refunded_gifts_of(db: Session, disbursement_id: int) -> Sequence[int]:
    """List a payout's matched gifts that were refunded or redirected since: on its return their matches go back."""
    share = DisbursementShare
    matched = (share.disbursement_id == disbursement_id) & (share.matched_fen > 0)
    theirs = select(share.pledge_id).join(Pledge, Pledge.id == share.pledge_id).where(matched)
    return db.scalars(theirs.where(Pledge.state.in_(LEFT_APPEAL)).order_by(share.pledge_id)).all()
