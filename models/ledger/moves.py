"""Every way in which money moves here, by name: which account it leaves, and which it comes to.

All take the cause (a word and a number of ours, see models.ledger.posting)
and may be called again for it. ``fen`` is what moves, always more than
nothing. ``holder_id`` is the fund holder whose bank account it is.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from models.ledger.accounts import CHANNEL, REFUNDS, UNASSIGNED, Account
from models.ledger.errors import WrongPosting
from models.ledger.posting import post
from models.ledger.tables import LedgerTransaction


def payment_received(db: Session, appeal_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """A donor has paid for an appeal."""
    return _post(db, "payment_received", CHANNEL, _appeal(appeal_id), fen, cause, now)


def payment_unassigned(db: Session, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """Somebody has paid too late, or for nothing that we know: it is not anybody's until it is refunded."""
    return _post(db, "payment_unassigned", CHANNEL, UNASSIGNED, fen, cause, now)


def payment_assigned(db: Session, appeal_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """What came for nothing turned out to be for this appeal."""
    return _post(db, "payment_assigned", UNASSIGNED, _appeal(appeal_id), fen, cause, now)


def refund_owed(db: Session, appeal_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """From now on this is the donor's again, and on its way."""
    return _post(db, "refund_owed", _appeal(appeal_id), REFUNDS, fen, cause, now)


def refund_from_unassigned(db: Session, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """A payment that came too late, or for nothing, is on its way back."""
    return _post(db, "refund_from_unassigned", UNASSIGNED, REFUNDS, fen, cause, now)


def refund_withdrawn(db: Session, appeal_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """It does not go back after all, and is held for the same appeal again."""
    return _post(db, "refund_withdrawn", REFUNDS, _appeal(appeal_id), fen, cause, now)


def refund_redirected(db: Session, appeal_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """The donor chose that it go to this other appeal instead of back."""
    return _post(db, "refund_redirected", REFUNDS, _appeal(appeal_id), fen, cause, now)


def refund_paid(db: Session, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """The channel has given it back to the donor."""
    return _post(db, "refund_paid", REFUNDS, CHANNEL, fen, cause, now)


def refund_bounced(db: Session, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """It came back from the donor's bank, and is still owed."""
    return _post(db, "refund_bounced", CHANNEL, REFUNDS, fen, cause, now)


def pool_funded(db: Session, pool_id: int, holder_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """A sponsor has paid into a matching pool, at the fund holder's bank."""
    return _post(db, "pool_funded", _bank(holder_id), _pool(pool_id), fen, cause, now)


def pool_returned(db: Session, pool_id: int, holder_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """What is left of a pool goes back to its sponsor."""
    return _post(db, "pool_returned", _pool(pool_id), _bank(holder_id), fen, cause, now)


def matched(db: Session, pool_id: int, appeal_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """A pool adds to what a donor gave."""
    return _post(db, "matched", _pool(pool_id), _appeal(appeal_id), fen, cause, now)


def match_returned(db: Session, pool_id: int, appeal_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """The pool has back what it added to a gift that is refunded."""
    return _post(db, "match_returned", _appeal(appeal_id), _pool(pool_id), fen, cause, now)


def disbursed(db: Session, appeal_id: int, holder_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """The fund holder has paid it out for what the appeal is for."""
    return _post(db, "disbursed", _appeal(appeal_id), _bank(holder_id), fen, cause, now)


def disbursement_returned(
    db: Session, appeal_id: int, holder_id: int, fen: int, cause: str, now: datetime
) -> LedgerTransaction:
    """It came back from whom it was paid to, and is held for the appeal again."""
    return _post(db, "disbursement_returned", _bank(holder_id), _appeal(appeal_id), fen, cause, now)


def settled(db: Session, holder_id: int, fen: int, fee_fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """The channel has paid ``fen`` out to the bank, less its fee, which may be nothing or all of it."""
    _check(fen)
    if type(fee_fen) is not int or not 0 <= fee_fen <= fen:
        raise WrongPosting("a fee is between nothing and what is settled")
    sides = {CHANNEL: -fen, _bank(holder_id): fen - fee_fen, _fees(holder_id): fee_fen}
    return post(db, "settled", cause, {account: amount for account, amount in sides.items() if amount}, now)


def topped_up(db: Session, holder_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """The fund holder has put money with the channel, for refunds of what was settled."""
    return _post(db, "topped_up", CHANNEL, _bank(holder_id), fen, cause, now)


def fees_covered(db: Session, holder_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    """The fund holder has paid the channel's fees from elsewhere, so that all of each gift can be paid out."""
    return _post(db, "fees_covered", _bank(holder_id), _fees(holder_id), fen, cause, now)


def _post(
    db: Session, kind: str, debit: Account, credit: Account, fen: int, cause: str, now: datetime
) -> LedgerTransaction:
    _check(fen)
    return post(db, kind, cause, {debit: fen, credit: -fen}, now)


def _check(fen: int) -> None:
    if type(fen) is not int or fen <= 0:
        raise WrongPosting("what moves is a whole number of fen, and more than nothing")


def _appeal(number: int) -> Account:
    return Account("appeal", number)


def _pool(number: int) -> Account:
    return Account("pool", number)


def _bank(holder_id: int) -> Account:
    return Account("bank", holder_id)


def _fees(holder_id: int) -> Account:
    return Account("fees", holder_id)
