"""Payments that cannot be right: kept for the fund holder to see to, and never lost."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from models.audit import record
from models.payment import PayCase, PayOrder


def open_case(
    db: Session, kind: str, transaction_id: str, out_trade_no: str, fen: int, order: PayOrder | None, now: datetime
) -> PayCase | None:
    """None where this transaction has one already, be it from a moment ago."""
    write = sqlite_insert if db.get_bind().dialect.name == "sqlite" else postgres_insert
    number = db.scalar(
        write(PayCase)
        .values(
            kind=kind,
            transaction_id=transaction_id,
            out_trade_no=out_trade_no,
            order_id=order.id if order else None,
            amount_fen=fen,
            opened_at=now,
        )
        .on_conflict_do_nothing(index_elements=["transaction_id"])
        .returning(PayCase.id)
    )
    if number is None:
        return None
    record(db, at=now, actor="system", action="opened", subject="pay_case", subject_id=number, detail=kind)
    return db.get_one(PayCase, number)


def open_cases(db: Session, most: int) -> list[PayCase]:
    """Those that nobody has settled, the oldest first."""
    return list(db.scalars(select(PayCase).where(PayCase.closed_at.is_(None)).order_by(PayCase.id).limit(most)))
