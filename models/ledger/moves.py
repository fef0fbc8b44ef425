"""Every way in which money moves, one function each: which account it leaves and which it comes to.

All take the cause (a word and a number of ours, see models.ledger.posting); a second call with the same cause returns
the first posting. ``fen`` is the sum, always positive. ``holder_id``: the number of the fund holder's bank account.
Money of an appeal is its charity's, and money of a bank account its owner's; ``charity_id`` says whose all other is.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.ledger.accounts import (
    FIRST_CHARITY,
    Account,
    Locked,
    channel_of,
    charity_of_bank,
    lock,
    refunds_of,
    unassigned_of,
)
from models.ledger.errors import WrongPosting
from models.ledger.posting import post, post_each
from models.ledger.tables import LedgerTransaction


class ToAppeal(NamedTuple):
    """Money that goes to an appeal, and the account that it leaves."""

    source: Account
    appeal_id: int
    fen: int


class ToPool(NamedTuple):
    """Money that goes back from an appeal to the pool that added it to a gift."""

    appeal_id: int
    pool_id: int
    fen: int


def given_to_appeals(
    db: Session, kind: str, gifts: Mapping[str, ToAppeal], now: datetime, held: Mapping[Account, Locked]
) -> None:
    """Post gifts to appeals, by their causes: payments, assigned ones, redirected ones or matches, all of one ``kind``.

    For any number in as many statements as for one. ``held``: as models.ledger.posting.post_each; raises as that does.
    """
    amounts = {}
    for cause, (source, appeal_id, fen) in gifts.items():
        _check(fen)
        amounts[cause] = {source: fen, _appeal(appeal_id): -fen}
    post_each(db, kind, amounts, now, held)


def payment_unassigned(db: Session, charity_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """Post a suspense item: a payment that came too late, or without a known order."""
    return _post(db, "payment_unassigned", channel_of(charity_id), unassigned_of(charity_id), fen, cause, now)


def refund_owed(db: Session, appeal_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """Owe money held for an appeal back to its donor."""
    return _post(db, "refund_owed", _appeal(appeal_id), refunds_of(_collector(db, appeal_id)), fen, cause, now)


def refunds_owed(db: Session, appeal_id: int, refunds: Mapping[str, int], now: datetime) -> None:
    """Owe gifts to one appeal back to their donors: fen by cause, none of which was posted before.

    For any number in as many statements as for one. Raises as models.ledger.posting.post_each does.
    """
    source, to = _appeal(appeal_id), refunds_of(_collector(db, appeal_id))
    amounts = {}
    for cause, fen in refunds.items():
        _check(fen)
        amounts[cause] = {source: fen, to: -fen}
    if amounts:
        post_each(db, "refund_owed", amounts, now, lock(db, (source, to)))


def refund_from_unassigned(db: Session, charity_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """Owe a suspense item back to its payer."""
    return _post(db, "refund_from_unassigned", unassigned_of(charity_id), refunds_of(charity_id), fen, cause, now)


def refund_withdrawn(db: Session, appeal_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """Withdraw an owed refund: the money is held for the same appeal again."""
    return _post(db, "refund_withdrawn", refunds_of(_collector(db, appeal_id)), _appeal(appeal_id), fen, cause, now)


def refund_paid(db: Session, charity_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """Post a refund that the payment channel has paid to the donor."""
    return _post(db, "refund_paid", refunds_of(charity_id), channel_of(charity_id), fen, cause, now)


def refund_bounced(db: Session, charity_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """Post a refund that the donor's bank sent back; it is still owed."""
    return _post(db, "refund_bounced", channel_of(charity_id), refunds_of(charity_id), fen, cause, now)


def pool_funded(db: Session, pool_id: int, holder_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """Post a sponsor's payment into a matching pool, at the fund holder's bank."""
    return _post(db, "pool_funded", _bank(holder_id), _pool(pool_id), fen, cause, now)


def pool_returned(db: Session, pool_id: int, holder_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """Post the payment of a pool's rest back to its sponsor."""
    return _post(db, "pool_returned", _pool(pool_id), _bank(holder_id), fen, cause, now)


def matches_returned(db: Session, returned: Mapping[str, ToPool], now: datetime) -> None:
    """Return to pools what they added to gifts that are refunded, by causes of which none was posted before.

    For any number in as many statements as for one. Raises as models.ledger.posting.post_each does.
    """
    amounts = {}
    for cause, (appeal_id, pool_id, fen) in returned.items():
        _check(fen)
        amounts[cause] = {_appeal(appeal_id): fen, _pool(pool_id): -fen}
    if amounts:
        accounts = {account for sides in amounts.values() for account in sides}
        post_each(db, "match_returned", amounts, now, lock(db, accounts))


def disbursed(db: Session, appeal_id: int, holder_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """Post the payout of a disbursement by the fund holder."""
    return _post(db, "disbursed", _appeal(appeal_id), _bank(holder_id), fen, cause, now)


def disbursement_returned(
    db: Session, appeal_id: int, holder_id: int, fen: int, cause: str, now: datetime
) -> LedgerTransaction:
    """Post a payout return: the payee's bank sent the money back, and it is held for the appeal again."""
    return _post(db, "disbursement_returned", _bank(holder_id), _appeal(appeal_id), fen, cause, now)


def settled(db: Session, holder_id: int, fen: int, fee_fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """Post a settlement: the channel paid ``fen`` to the bank, less its fee (``fee_fen``, from 0 to ``fen``)."""
    _check(fen)
    if type(fee_fen) is not int or not 0 <= fee_fen <= fen:
        raise WrongPosting("a fee is between nothing and what is settled")
    sides = {channel_of(charity_of_bank(holder_id)): -fen, _bank(holder_id): fen - fee_fen, _fees(holder_id): fee_fen}
    return post(db, "settled", cause, {account: amount for account, amount in sides.items() if amount}, now)


def topped_up(db: Session, holder_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """Post a top-up: the fund holder put money with the channel, for refunds after settlement."""
    return _post(db, "topped_up", channel_of(charity_of_bank(holder_id)), _bank(holder_id), fen, cause, now)


def fees_covered(db: Session, holder_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """Post a fee cover: the fund holder paid the channel's fees from other money, so that gifts pay out in full."""
    return _post(db, "fees_covered", _bank(holder_id), _fees(holder_id), fen, cause, now)


def _post(
    db: Session, kind: str, debit: Account, credit: Account, fen: int, cause: str, now: datetime
) -> LedgerTransaction:
    _check(fen)
    return post(db, kind, cause, {debit: fen, credit: -fen}, now)


def _check(fen: int) -> None:
    if type(fen) is not int or fen <= 0:
        raise WrongPosting("what moves is a whole number of fen, and more than nothing")


def _collector(db: Session, appeal_id: int) -> int:
    """Return the charity that collects for the appeal; what has none is from before there were charities."""
    appeal = db.get(Appeal, appeal_id)
    return FIRST_CHARITY if appeal is None or appeal.charity_id is None else appeal.charity_id


def _appeal(number: int) -> Account:
    return Account("appeal", number)


def _pool(number: int) -> Account:
    return Account("pool", number)


def _bank(holder_id: int) -> Account:
    return Account("bank", holder_id)


def _fees(holder_id: int) -> Account:
    return Account("fees", holder_id)
