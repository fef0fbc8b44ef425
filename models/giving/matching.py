"""Matching: pools add to gifts, yuan for yuan, and take the rest back when a gift is refunded.

Lock order: appeal, pledge, order, pools by their numbers, then all ledger accounts of the transaction at once. Several
pools may add to one gift, the oldest first; together they add no more than the gift. A payout takes from a gift and its
match in proportion (models.disbursements.allocation), so that the rests of both are returned together.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.apportionment import split
from models.core.base import among
from models.giving.allocation import DisbursementShare
from models.giving.pledge import LEFT_APPEAL, Pledge
from models.giving.pool import MatchingPool, PoolMatch, PoolSum
from models.ledger import Account, lock, moves
from models.ledger.accounts import CHANNEL, LedgerAccount, Locked
from models.ledger.moves import ToAppeal, ToPool
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


def pools_for(
    db: Session, appeals: Collection[Appeal], now: datetime, *, held: bool = False
) -> dict[int, list[MatchingPool]]:
    """Map each appeal to the open pools that match gifts to it, by number; ``held``: locked until the transaction ends.

    A pool's money is its charity's, and is added to no gift that another charity collects.
    """
    places = {appeal.id: {*parents(appeal.region_code), appeal.region_code} for appeal in appeals}
    around = and_(
        MatchingPool.region_code.in_(sorted(set[str]().union(*places.values()))),
        MatchingPool.category.in_(sorted({appeal.category for appeal in appeals})),
    )
    wanted = select(MatchingPool).where(MatchingPool.state == "open", MatchingPool.open_until > now)
    wanted = wanted.where(or_(among(MatchingPool.appeal_id, places), around)).order_by(MatchingPool.id)
    if held:
        wanted = wanted.with_for_update(key_share=True).execution_options(populate_existing=True)
    pools = db.scalars(wanted).all()

    def matches(pool: MatchingPool, appeal: Appeal) -> bool:
        of_place = pool.category == appeal.category and pool.region_code in places[appeal.id]
        return pool.charity_id == appeal.charity_id and (of_place or pool.appeal_id == appeal.id)

    return {appeal.id: [pool for pool in pools if matches(pool, appeal)] for appeal in appeals}


def matching_offers(db: Session, appeal_id: int, now: datetime) -> list[MatchingOffer]:
    """List the offers to match a gift to this appeal now, without sums: other gifts may use them up first."""
    appeal = db.get(Appeal, appeal_id)
    if appeal is None or not appeal.collects(now):
        return []
    found = []
    for pool in pools_for(db, [appeal], now)[appeal_id]:
        of_appeal = select(PoolSum.fen).where(PoolSum.pool_id == pool.id, PoolSum.appeal_id == appeal_id)
        left = pool.per_appeal_fen - (db.scalar(of_appeal) or 0)
        there = db.scalar(select(LedgerAccount.balance_fen).where(*_is_account(pool.account))) or 0
        if min(left, there, pool.cap_fen - pool.matched_fen) > 0:
            found.append(MatchingOffer(pool.sponsor, pool.open_until))
    return found[:MOST_POOLS]


def _is_account(account: Account) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return LedgerAccount.kind == account.kind, LedgerAccount.subject_id == account.subject_id


def lock_pools(
    db: Session, appeals: Collection[Appeal], now: datetime, sources: Collection[Account]
) -> tuple[dict[int, list[MatchingPool]], dict[Account, Locked]]:
    """Lock and return the pools for gifts to these appeals, and all accounts that these will move money on.

    The caller holds the appeals and has posted nothing yet. ``sources``: where the gifts' money is; what has just come
    by a channel is to be posted last (models.ledger.accounts.lock).
    """
    pools = pools_for(db, appeals, now, held=True)
    of_pools = (pool.account for found in pools.values() for pool in found)
    channels = [account for account in sources if account.kind == CHANNEL]
    others = [account for account in sources if account.kind != CHANNEL]
    return pools, lock(db, [*(Account("appeal", appeal.id) for appeal in appeals), *others, *of_pools], channels)


def match_gifts(
    db: Session,
    pools: Mapping[int, Sequence[MatchingPool]],
    held: Mapping[Account, Locked],
    gifts: Sequence[Pledge],
    rooms: Mapping[int, int],
    now: datetime,
) -> dict[int, list[SponsorMatch]]:
    """Match gifts that were just committed, in this order; within every cap, the pools' money and the appeals' room.

    ``pools``, ``held``: as ``lock_pools`` returned them. ``rooms``: what each appeal still took before these gifts.
    Returns what was added to each pledge. For any number of gifts in as many statements as for one.
    """
    if not any(pools.values()):
        return {}
    left, added = dict(rooms), dict[int, list[SponsorMatch]]()
    caps, matches = _Caps(db, pools, held, gifts), list[PoolMatch]()
    for gift in gifts:
        number, own = gift.appeal_id, added.setdefault(gift.id, [])
        left[number] -= gift.amount_fen
        wanted = min(gift.amount_fen, left[number])
        for pool in pools[number]:
            fen = min(wanted, caps.left(pool, gift))
            if fen <= 0 or len(own) == MOST_POOLS:
                continue
            caps.use(pool, gift, fen)
            matches.append(
                PoolMatch(pool_id=pool.id, pledge_id=gift.id, appeal_id=number, donor_id=gift.donor_id, fen=fen, at=now)
            )
            own.append(SponsorMatch(pool.sponsor, fen))
            wanted -= fen
            left[number] -= fen
    db.add_all(matches)
    db.flush()
    moved = {each.cause: ToAppeal(Account("pool", each.pool_id), each.appeal_id, each.fen) for each in matches}
    if moved:
        moves.given_to_appeals(db, "matched", moved, now, held)
    return added


class _Caps:
    """What the caps and the money of pools leave for gifts, while one gift after another is matched."""

    def __init__(
        self,
        db: Session,
        pools: Mapping[int, Sequence[MatchingPool]],
        held: Mapping[Account, Locked],
        gifts: Sequence[Pledge],
    ) -> None:
        known = {pool.id: pool for found in pools.values() for pool in found}
        self._money = {number: held[pool.account].balance_fen for number, pool in known.items()}
        donors, appeals = {gift.donor_id for gift in gifts}, {gift.appeal_id for gift in gifts}
        # Of one donor they are few; of an appeal to which the whole country gives they are not.
        of_donors = select(PoolMatch.pool_id, PoolMatch.donor_id, func.sum(_NET))
        of_donors = of_donors.where(among(PoolMatch.pool_id, known), among(PoolMatch.donor_id, donors))
        self._donors = self._sums(db, of_donors.group_by(PoolMatch.pool_id, PoolMatch.donor_id))
        of_appeals = select(PoolSum.pool_id, PoolSum.appeal_id, PoolSum.fen)
        of_appeals = of_appeals.where(among(PoolSum.pool_id, known), among(PoolSum.appeal_id, appeals))
        self._appeals = self._sums(db, of_appeals)

    def left(self, pool: MatchingPool, gift: Pledge) -> int:
        return min(
            pool.cap_fen - pool.matched_fen,
            pool.per_donor_fen - self._donors[pool.id, gift.donor_id],
            pool.per_appeal_fen - self._appeals[pool.id, gift.appeal_id],
            self._money[pool.id],
        )

    def use(self, pool: MatchingPool, gift: Pledge, fen: int) -> None:
        pool.matched_fen += fen
        self._money[pool.id] -= fen
        self._donors[pool.id, gift.donor_id] += fen
        self._appeals[pool.id, gift.appeal_id] += fen

    @staticmethod
    def _sums(db: Session, sums: Select[int, int, int]) -> Counter[tuple[int, int]]:
        """Return what each pool has added to the gifts of each donor or appeal, less what went back."""
        return Counter({(pool, one): int(fen) for pool, one, fen in db.execute(sums)})


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
    lefts, returned = unspent_matches(db, {match.pledge_id for match in matches}), dict[str, ToPool]()
    for pledge_id in sorted(lefts):
        of_gift = {match.id: match for match in matches if match.pledge_id == pledge_id}
        weights = {number: match.fen - match.returned_fen for number, match in of_gift.items()}
        for number, fen in split(lefts[pledge_id], weights).items():
            match = of_gift[number]
            match.returned_fen += fen
            match.returns += 1
            db.get_one(MatchingPool, match.pool_id).matched_fen -= fen
            returned[match.return_cause] = ToPool(match.appeal_id, match.pool_id, fen)
    db.flush()
    moves.matches_returned(db, returned, now)
    return sum(each.fen for each in returned.values())


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
