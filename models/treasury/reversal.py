"""Undoing an entry that was wrong (冲正): its posting is reversed, and it may be entered anew, as the bank has it.

Nothing is deleted: the entry stays with who undid it and why, and the ledger shows both postings. Where its money was
spent meanwhile it cannot be undone: no account goes below nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.refusal import Refusal
from models.ledger import Account, find, lock, reverse
from models.ledger.accounts import CHANNEL
from models.ledger.errors import BankShort, ChannelShort
from models.staff.fund_holder import holder_of
from models.staff.member import Staff
from models.treasury.fee_cover import FeeCover
from models.treasury.settlement import Settlement
from models.treasury.top_up import TopUp


class NoSuchEntry(Refusal):
    """None of this fund holder's, or it was undone before."""

    code = "no_such_entry"
    final = True


class Kind(NamedTuple):
    """``posted``: the kind of its posting. ``accounts``: the fund holder's, beside the channel's."""

    table: type[Settlement] | type[TopUp] | type[FeeCover]
    posted: str
    accounts: tuple[str, ...]


KINDS: Mapping[str, Kind] = {
    "settlement": Kind(Settlement, "settled", ("bank", "fees")),
    "top_up": Kind(TopUp, "topped_up", ("bank",)),
    "fee_cover": Kind(FeeCover, "fees_covered", ("bank", "fees")),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """``subject`` and ``id`` name it. ``fee_fen``: what the channel kept of a settlement."""

    subject: str
    id: int
    at: datetime
    amount_fen: int
    fee_fen: int
    reference: str

    @property
    def bank_fen(self) -> int:
        """What came to the bank, or left it."""
        return self.amount_fen - self.fee_fen


def undoable(db: Session, staff: Staff, most: int, reference: str = "") -> Sequence[Entry]:
    """What this fund holder has entered and not undone, of every kind, the newest first; all, or of this number."""
    found: list[Entry] = []
    for subject, kind in KINDS.items():
        wanted = _standing(subject, staff).order_by(kind.table.id.desc()).limit(most)
        if reference:
            wanted = wanted.where(kind.table.bank_reference == reference)
        found += [_entry(subject, row) for row in db.scalars(wanted)]
    return sorted(found, key=lambda entry: (entry.at, entry.subject, entry.id), reverse=True)[:most]


def find_entry(db: Session, staff: Staff, subject: str, number: int) -> Entry:
    """Raises NoSuchEntry."""
    row = db.scalars(_standing(subject, staff).where(KINDS[subject].table.id == number)).first()
    if row is None:
        raise NoSuchEntry()
    return _entry(subject, row)


def undo(db: Session, staff: Staff, subject: str, number: int, why: str, now: datetime) -> Entry:
    """Once, by somebody of the same fund holder. Raises NoSuchEntry, or BankShort or ChannelShort where it is spent."""
    kind, holder, cause = KINDS[subject], holder_of(staff), f"{subject}:{number}"
    bank = Account("bank", holder)
    on = lock(db, [CHANNEL, *(Account(name, holder) for name in kind.accounts)])
    # Whoever else would undo it waits for the accounts: what is read now stays.
    mine = _standing(subject, staff).where(kind.table.id == number)
    row = db.scalars(mine.with_for_update().execution_options(populate_existing=True)).first()
    if row is None:
        raise NoSuchEntry()
    entry = _entry(subject, row)
    if subject != "top_up" and on[bank].balance_fen < entry.bank_fen:
        raise BankShort(held_fen=on[bank].balance_fen, back_fen=entry.bank_fen)
    if subject == "top_up" and on[CHANNEL].balance_fen < entry.amount_fen:
        raise ChannelShort(held_fen=on[CHANNEL].balance_fen, back_fen=entry.amount_fen)
    posted = find(db, kind.posted, cause)
    if posted is None:
        raise LookupError(f"{cause} has no posting: check-books names it")
    row.undone_at, row.undone_by, row.undone_why = now, staff.id, why
    db.flush()
    actor = staff.actor.name
    record(db, at=now, actor=actor, action="undone", subject=subject, subject_id=number, detail=why)
    reverse(db, posted, f"undone_{cause}", now)
    return entry


def _standing(subject: str, staff: Staff) -> Select[Any]:
    table = KINDS[subject].table
    return select(table).where(table.holder_id == holder_of(staff), table.undone_at.is_(None))


def _entry(subject: str, row: Settlement | TopUp | FeeCover) -> Entry:
    fee = row.fee_fen if isinstance(row, Settlement) else 0
    return Entry(subject, row.id, row.at, row.amount_fen, fee, row.bank_reference)
