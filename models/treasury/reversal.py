"""Reverse a bank entry that was wrong (冲正), so that it can be entered again correctly.

Nothing is deleted: the entry keeps who reversed it and why, and the ledger shows both postings. An entry whose money
has been spent meanwhile cannot be reversed: no account goes below zero.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.refusal import Refusal
from models.ledger import find, reverse
from models.ledger.errors import BankShort, ChannelShort
from models.staff.fund_holder import holder_of
from models.staff.member import Staff
from models.treasury.bank_entry import RULES, BankEntry, lock_accounts


class NoSuchBankEntry(Refusal):
    """The fund holder has no such entry, or it was reversed before."""

    code = "no_such_bank_entry"
    final = True


def standing_entries(db: Session, staff: Staff, most: int, reference: str = "") -> Sequence[BankEntry]:
    """List the fund holder's standing entries, the newest first; with ``reference``, those of this bank reference."""
    wanted = _standing(staff).order_by(BankEntry.at.desc(), BankEntry.id.desc()).limit(most)
    if reference:
        wanted = wanted.where(BankEntry.bank_reference == reference)
    return db.scalars(wanted).all()


def find_entry(db: Session, staff: Staff, number: int) -> BankEntry:
    """Return a standing entry of the fund holder. Raises NoSuchBankEntry."""
    entry = db.scalars(_standing(staff).where(BankEntry.id == number)).first()
    if entry is None:
        raise NoSuchBankEntry()
    return entry


def reverse_bank_entry(db: Session, staff: Staff, number: int, reason: str, now: datetime) -> BankEntry:
    """Reverse an entry once; anyone of the same fund holder may. Locks the accounts, then the entry.

    Raises NoSuchBankEntry, or BankShort or ChannelShort where its money has been spent."""
    kind = find_entry(db, staff, number).kind
    balances = lock_accounts(db, kind, holder_of(staff))
    # Another reversal of this entry waits for the locked accounts, so what is read now stays.
    mine = _standing(staff).where(BankEntry.id == number)
    entry = db.scalars(mine.with_for_update().execution_options(populate_existing=True)).first()
    if entry is None:
        raise NoSuchBankEntry()
    if kind == "top_up" and balances["channel"] < entry.amount_fen:
        raise ChannelShort(held_fen=balances["channel"], back_fen=entry.amount_fen)
    if kind != "top_up" and balances["bank"] < entry.bank_fen:
        raise BankShort(held_fen=balances["bank"], back_fen=entry.bank_fen)
    posted = find(db, RULES[kind].posted, entry.cause)
    if posted is None:
        raise LookupError(f"{entry.cause} has no posting: check-books names it")
    entry.reversed_at, entry.reversed_by, entry.reversal_reason = now, staff.id, reason
    db.flush()
    record(db, at=now, actor=staff.actor.name, action="reversed", subject=kind, subject_id=number, detail=reason)
    reverse(db, posted, f"reversed_{entry.cause}", now)
    return entry


def _standing(staff: Staff) -> Select[BankEntry]:
    return select(BankEntry).where(BankEntry.holder_id == holder_of(staff), BankEntry.reversed_at.is_(None))
