"""Post gifts to appeals, and matches back to pools, one at a time, as the program posts many."""

from datetime import datetime

from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.ledger.accounts import FIRST_CHARITY, Account, channel_of, refunds_of, unassigned_of
from models.ledger.posting import post
from models.ledger.tables import LedgerTransaction


def payment_received(db: Session, appeal_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    return _to_appeal(db, "payment_received", channel_of(_charity(db, appeal_id)), appeal_id, fen, cause, now)


def payment_assigned(db: Session, appeal_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    return _to_appeal(db, "payment_assigned", unassigned_of(_charity(db, appeal_id)), appeal_id, fen, cause, now)


def refund_redirected(db: Session, appeal_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    return _to_appeal(db, "refund_redirected", refunds_of(_charity(db, appeal_id)), appeal_id, fen, cause, now)


def matched(db: Session, pool_id: int, appeal_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    return _to_appeal(db, "matched", Account("pool", pool_id), appeal_id, fen, cause, now)


def match_returned(db: Session, pool_id: int, appeal_id: int, fen: int, cause: str, now: datetime) -> LedgerTransaction:
    return post(db, "match_returned", cause, {Account("appeal", appeal_id): fen, Account("pool", pool_id): -fen}, now)


def _to_appeal(
    db: Session, kind: str, source: Account, appeal_id: int, fen: int, cause: str, now: datetime
) -> LedgerTransaction:
    return post(db, kind, cause, {source: fen, Account("appeal", appeal_id): -fen}, now)


def _charity(db: Session, appeal_id: int) -> int:
    appeal = db.get(Appeal, appeal_id)
    return FIRST_CHARITY if appeal is None or appeal.charity_id is None else appeal.charity_id
