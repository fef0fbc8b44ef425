"""Check bank entries (到账, 充值, 补手续费): each has its posting, and a reversed one the posting's reversal."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, String, and_, case, cast, func, literal, or_, select
from sqlalchemy.orm import aliased

from models.books.violation import Violation
from models.core.audit_trail import AuditEvent
from models.core.database import stream
from models.ledger.accounts import LedgerAccount
from models.ledger.tables import LedgerEntry, LedgerTransaction
from models.treasury.bank_entry import RULES, BankEntry

_KIND, _FEN = BankEntry.kind, BankEntry.amount_fen
_CAUSE = _KIND + literal(":") + cast(BankEntry.id, String)
_POSTED = case({kind: rules.posted for kind, rules in RULES.items()}, value=_KIND)
# What the entry moves on the bank's account and on the channel's, in fen, debit positive.
_BANK = case((_KIND == "top_up", -_FEN), else_=_FEN - BankEntry.fee_fen)
_CHANNEL = case((_KIND == "settlement", -_FEN), (_KIND == "top_up", _FEN), else_=0)


def check_entries(connection: Connection, _now: datetime) -> Iterator[Violation]:
    yield from _postings(connection)
    yield from _reversals(connection)


def _postings(connection: Connection) -> Iterator[Violation]:
    """Check that each entry's posting moved its sum at the channel, and at the bank and fees of its own fund holder."""
    moved = _moved()
    wrong = or_(
        moved.c.cause.is_(None),
        moved.c.channel != _CHANNEL,
        moved.c.bank != _BANK,
        and_(moved.c.holder != BankEntry.holder_id, _BANK != 0),
        moved.c.fees != BankEntry.holder_id,
    )
    statement = select(BankEntry.id, _KIND, _FEN, moved.c.channel, moved.c.bank, moved.c.holder)
    statement = statement.outerjoin(moved, and_(moved.c.kind == _POSTED, moved.c.cause == _CAUSE)).where(wrong)
    for found in stream(connection, statement.order_by(BankEntry.id)):
        there = f"{found.channel} at the channel and {found.bank} at bank {found.holder}"
        words = f"is of {found.amount_fen} fen, and the ledger has {there}"
        yield Violation(f"{found.kind}_differs", found.kind, found.id, words)


def _reversals(connection: Connection) -> Iterator[Violation]:
    """Check that a reversed entry is so in the ledger and, by the same officer, in the audit trail, and no other is."""
    posted, reversal, event = LedgerTransaction, aliased(LedgerTransaction), AuditEvent
    told = (event.subject == _KIND) & (event.subject_id == BankEntry.id) & (event.action == "reversed")
    right = and_(
        reversal.cause == literal("reversed_") + _CAUSE,
        event.actor == literal("staff:") + cast(BankEntry.reversed_by, String),
        event.detail == BankEntry.reversal_reason,
    )
    taken_back = BankEntry.reversed_at.is_not(None)
    wrong = or_(
        and_(taken_back, func.coalesce(right, literal(False)).is_(False)),
        and_(~taken_back, or_(reversal.id.is_not(None), event.id.is_not(None))),
    )
    statement = (
        select(BankEntry.id, _KIND, BankEntry.reversed_by, BankEntry.reversal_reason, reversal.cause, event.actor)
        .outerjoin(posted, and_(posted.cause == _CAUSE, posted.kind == _POSTED))
        .outerjoin(reversal, reversal.reverses_id == posted.id)
        .outerjoin(event, told)
        .where(wrong)
        .order_by(BankEntry.id)
    )
    for found in stream(connection, statement):
        by = f"was reversed by staff {found.reversed_by} ({found.reversal_reason})"
        stands = by if found.reversed_by else "stands"
        words = f"{stands}, and the ledger has {found.cause or 'no reversal'}, the trail {found.actor or 'nobody'}"
        yield Violation("reversal_differs", found.kind, found.id, words)


def _moved() -> Any:
    """Select (kind, cause, channel, bank, holder, fees) of each posting of a bank entry, without reversals.

    ``channel`` and ``bank`` are fen, debit positive; ``holder`` and ``fees``: the fund holder whose bank account and
    fees account were moved.
    """
    posted, entry, account = LedgerTransaction, LedgerEntry, LedgerAccount

    def on(name: str, what: Any) -> Any:
        return func.sum(what).filter(account.kind == name)

    return (
        select(
            posted.kind,
            posted.cause,
            func.coalesce(on("channel", entry.amount_fen), 0).label("channel"),
            func.coalesce(on("bank", entry.amount_fen), 0).label("bank"),
            on("bank", account.subject_id).label("holder"),
            on("fees", account.subject_id).label("fees"),
        )
        .join(entry, entry.transaction_id == posted.id)
        .join(account, account.id == entry.account_id)
        .where(posted.kind.in_([rules.posted for rules in RULES.values()]), posted.reverses_id.is_(None))
        .group_by(posted.id, posted.kind, posted.cause)
        .subquery()
    )
