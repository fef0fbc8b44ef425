"""What fund holders entered (到账, 充值, 补手续费): each has its posting to the fen, and where undone its reversal."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, String, and_, cast, func, literal, or_, select
from sqlalchemy.orm import aliased

from models.books.violation import Violation
from models.core.audit_trail import AuditEvent
from models.core.database import stream
from models.ledger.accounts import LedgerAccount
from models.ledger.tables import LedgerEntry, LedgerTransaction
from models.treasury.fee_cover import FeeCover
from models.treasury.settlement import Settlement
from models.treasury.top_up import TopUp

# What it is called -> its table, the kind of its posting, what came to the bank by it, and what came to the channel.
_ENTERED: dict[str, tuple[Any, str, Any, Any]] = {
    "settlement": (Settlement, "settled", Settlement.amount_fen - Settlement.fee_fen, -Settlement.amount_fen),
    "top_up": (TopUp, "topped_up", -TopUp.amount_fen, TopUp.amount_fen),
    "fee_cover": (FeeCover, "fees_covered", FeeCover.amount_fen, literal(0)),
}


def check_entries(connection: Connection, _now: datetime) -> Iterator[Violation]:
    for subject in _ENTERED:
        yield from _postings(connection, subject)
        yield from _undone(connection, subject)


def _postings(connection: Connection, subject: str) -> Iterator[Violation]:
    """At the channel, and at the bank and the fees of its fund holder and no other."""
    table, kind, bank, channel = _ENTERED[subject]
    moved = _moved(kind)
    wrong = or_(
        moved.c.cause.is_(None),
        moved.c.channel != channel,
        moved.c.bank != bank,
        and_(moved.c.holder != table.holder_id, bank != 0),
        moved.c.fees != table.holder_id,
    )
    statement = select(table.id, table.amount_fen, moved.c.channel, moved.c.bank, moved.c.holder)
    statement = statement.outerjoin(moved, moved.c.cause == _cause(subject, table)).where(wrong)
    for found in stream(connection, statement.order_by(table.id)):
        there = f"{found.channel} at the channel and {found.bank} at bank {found.holder}"
        words = f"is of {found.amount_fen} fen, and the ledger has {there}"
        yield Violation(f"{subject}_differs", subject, found.id, words)


def _undone(connection: Connection, subject: str) -> Iterator[Violation]:
    """One that was undone is reversed, by that and by nothing else, and by who the trail says; others are not."""
    table, kind, _, _ = _ENTERED[subject]
    posted, reversal, event = LedgerTransaction, aliased(LedgerTransaction), AuditEvent
    told = (event.subject == subject) & (event.subject_id == table.id) & (event.action == "undone")
    right = and_(
        reversal.cause == literal("undone_") + _cause(subject, table),
        event.actor == literal("staff:") + cast(table.undone_by, String),
        event.detail == table.undone_why,
    )
    undone = table.undone_at.is_not(None)
    wrong = or_(
        and_(undone, func.coalesce(right, literal(False)).is_(False)),
        and_(~undone, or_(reversal.id.is_not(None), event.id.is_not(None))),
    )
    statement = (
        select(table.id, table.undone_by, table.undone_why, reversal.cause, event.actor)
        .outerjoin(posted, and_(posted.cause == _cause(subject, table), posted.kind == kind))
        .outerjoin(reversal, reversal.reverses_id == posted.id)
        .outerjoin(event, told)
        .where(wrong)
        .order_by(table.id)
    )
    for found in stream(connection, statement):
        stands = f"was undone by staff {found.undone_by} ({found.undone_why})" if found.undone_by else "stands"
        words = f"{stands}, and the ledger has {found.cause or 'no reversal'}, the trail {found.actor or 'nobody'}"
        yield Violation("undone_differs", subject, found.id, words)


def _moved(kind: str) -> Any:
    """(cause, channel, bank, holder, fees) of every posting of this kind that is no reversal, debit positive.

    ``holder`` and ``fees``: whose bank, and whose fees.
    """
    posted, entry, account = LedgerTransaction, LedgerEntry, LedgerAccount

    def on(name: str, what: Any) -> Any:
        return func.sum(what).filter(account.kind == name)

    return (
        select(
            posted.cause,
            func.coalesce(on("channel", entry.amount_fen), 0).label("channel"),
            func.coalesce(on("bank", entry.amount_fen), 0).label("bank"),
            on("bank", account.subject_id).label("holder"),
            on("fees", account.subject_id).label("fees"),
        )
        .join(entry, entry.transaction_id == posted.id)
        .join(account, account.id == entry.account_id)
        .where(posted.kind == kind, posted.reverses_id.is_(None))
        .group_by(posted.id, posted.cause)
        .subquery()
    )


def _cause(subject: str, table: Any) -> Any:
    return literal(f"{subject}:") + cast(table.id, String)
