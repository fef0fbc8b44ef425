"""Enter what the bank shows: a settlement (到账), a top-up (充值), or a fee cover (补手续费), and post it.

A settlement is money that the payment channel paid out to the fund holder's bank, less its fee. A top-up goes the
other way, so that gifts can be refunded whose money was settled. A fee cover is what the fund holder paid to its bank
from its own funds, in place of the channel's fees, so that gifts are spent whole.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId, one_of
from models.core.refusal import Refusal
from models.disbursements.disbursement import transferring_fen
from models.ledger import Account, LedgerTransaction, lock, moves
from models.ledger.accounts import LedgerAccount, channel_of, charity_of_bank
from models.ledger.errors import BankShort, ChannelShort, ReferenceUsed
from models.staff.fund_holder import holder_of
from models.staff.member import Staff

REVERSAL_REASONS = ("amount_wrong", "entered_twice", "wrong_reference")
_STANDS = text("reversed_at IS NULL")


class NoFees(Refusal):
    """The channel's fees are all covered already."""

    code = "no_fees"
    final = True


class MoreThanFees(Refusal):
    """The amount exceeds the fees not yet covered (``uncovered_fen``)."""

    code = "more_than_fees"
    step = "amount"


class BankEntry(Base):
    """A transfer that a fund holder entered. A settlement takes ``amount_fen`` out of the channel, a top-up pays it in,
    and a fee cover pays it into the bank. ``fee_fen``: what the channel kept of a settlement. ``bank_reference``: the
    bank's number of the transfer; once an entry is reversed (models.treasury.reversal) its number may be used again.
    """

    __tablename__ = "bank_entries"
    id: Mapped[RowId]
    kind: Mapped[str] = mapped_column(String(10))
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    holder_id: Mapped[int]
    amount_fen: Mapped[int]
    fee_fen: Mapped[int]
    bank_reference: Mapped[str] = mapped_column(String(40))
    entered_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]
    reversed_at: Mapped[datetime | None]
    reversed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    reversal_reason: Mapped[str | None] = mapped_column(String(16))

    __table_args__ = (
        one_of("kind", ("settlement", "top_up", "fee_cover")),
        one_of("reversal_reason", REVERSAL_REASONS),
        CheckConstraint("amount_fen > 0 AND fee_fen >= 0 AND fee_fen <= amount_fen", name="fee_within"),
        CheckConstraint("kind = 'settlement' OR fee_fen = 0", name="fee_of_settlement"),
        CheckConstraint(
            "(reversed_at IS NULL) = (reversed_by IS NULL) AND (reversed_at IS NULL) = (reversal_reason IS NULL)",
            name="reversal_whole",
        ),
        Index(
            "uq_bank_entries_reference", "holder_id", "bank_reference", "kind", unique=True, postgresql_where=_STANDS
        ),
    )

    @property
    def bank_fen(self) -> int:
        """The fen that the bank account received, or paid out for a top-up."""
        return self.amount_fen - self.fee_fen

    @property
    def cause(self) -> str:
        """The cause under which the ledger posts the entry."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class BankTransfer:
    """A transfer as the bank shows it. ``fee_fen``: what the channel kept, of a settlement."""

    kind: str
    amount_fen: int
    reference: str
    fee_fen: int = 0


class Rules(NamedTuple):
    """How one kind of entry is checked and posted. ``posted``: the ledger's kind of posting, also the audit trail's
    action. ``accounts``: those it moves. ``check`` gets the amount and these accounts' balances by name.
    """

    posted: str
    accounts: tuple[str, ...]
    check: Callable[[int, Mapping[str, int]], None]
    post: Callable[[Session, BankEntry, datetime], LedgerTransaction]


def _check_channel(fen: int, balances: Mapping[str, int]) -> None:
    if balances["channel"] < fen:
        raise ChannelShort(held_fen=balances["channel"])


def _check_bank(fen: int, balances: Mapping[str, int]) -> None:
    if balances["bank"] < fen:
        raise BankShort(held_fen=balances["bank"])


def _check_fees(fen: int, balances: Mapping[str, int]) -> None:
    if balances["fees"] <= 0:
        raise NoFees()
    if fen > balances["fees"]:
        raise MoreThanFees(uncovered_fen=balances["fees"])


def _post_settlement(db: Session, entry: BankEntry, now: datetime) -> LedgerTransaction:
    return moves.settled(db, entry.holder_id, entry.amount_fen, entry.fee_fen, entry.cause, now)


def _post_top_up(db: Session, entry: BankEntry, now: datetime) -> LedgerTransaction:
    return moves.topped_up(db, entry.holder_id, entry.amount_fen, entry.cause, now)


def _post_fee_cover(db: Session, entry: BankEntry, now: datetime) -> LedgerTransaction:
    return moves.fees_covered(db, entry.holder_id, entry.amount_fen, entry.cause, now)


RULES: Mapping[str, Rules] = {
    "settlement": Rules("settled", ("channel", "bank", "fees"), _check_channel, _post_settlement),
    "top_up": Rules("topped_up", ("channel", "bank"), _check_bank, _post_top_up),
    "fee_cover": Rules("fees_covered", ("bank", "fees"), _check_fees, _post_fee_cover),
}


def enter(db: Session, staff: Staff, draft_id: str, transfer: BankTransfer, now: datetime) -> BankEntry:
    """Keep a transfer and post it to the ledger; the same draft again returns the earlier entry. Locks the accounts.

    Raises ReferenceUsed; also ChannelShort (settlement), BankShort (top-up), NoFees or MoreThanFees (fee cover).
    """
    rules, holder = RULES[transfer.kind], holder_of(staff)
    balances = lock_accounts(db, transfer.kind, holder)
    # The accounts are locked, so no other entry can be made between this check and the insert.
    earlier = db.scalar(select(BankEntry).where(BankEntry.draft_id == draft_id))
    if earlier:
        return earlier
    _check_reference(db, holder, transfer)
    rules.check(transfer.amount_fen, balances)
    entry = BankEntry(
        kind=transfer.kind,
        draft_id=draft_id,
        holder_id=holder,
        amount_fen=transfer.amount_fen,
        fee_fen=transfer.fee_fen,
        bank_reference=transfer.reference,
        entered_by=staff.id,
        at=now,
    )
    db.add(entry)
    db.flush()
    record(db, at=now, actor=staff.actor.name, action=rules.posted, subject=entry.kind, subject_id=entry.id)
    rules.post(db, entry, now)
    return entry


def lock_accounts(db: Session, kind: str, holder_id: int) -> dict[str, int]:
    """Lock the accounts that an entry of this kind moves and return their balances in fen, by account name.

    What may be leaving the bank at this moment as a payout counts as gone.
    """
    channel = channel_of(charity_of_bank(holder_id))
    accounts = {name: channel if name == "channel" else Account(name, holder_id) for name in RULES[kind].accounts}
    held = lock(db, accounts.values())
    balances = {name: held[account].balance_fen for name, account in accounts.items()}
    if "bank" in balances:
        balances["bank"] -= transferring_fen(db, holder_id)
    return balances


def uncovered(db: Session, staff: Staff) -> int:
    """Return the fen that the channel kept of this fund holder's settlements and that are not covered; at least 0."""
    of_holder = (LedgerAccount.kind == "fees") & (LedgerAccount.subject_id == holder_of(staff))
    return max(db.scalar(select(LedgerAccount.balance_fen).where(of_holder)) or 0, 0)


def check_fee_cover(db: Session, staff: Staff, fen: int) -> None:
    """Check that ``fen`` does not exceed the uncovered fees. Raises NoFees or MoreThanFees."""
    _check_fees(fen, {"fees": uncovered(db, staff)})


def _check_reference(db: Session, holder_id: int, transfer: BankTransfer) -> None:
    """Check that no standing entry of this kind has the same bank reference. Raises ReferenceUsed."""
    same = (BankEntry.holder_id == holder_id) & (BankEntry.bank_reference == transfer.reference)
    stands = (BankEntry.kind == transfer.kind) & BankEntry.reversed_at.is_(None)
    if db.scalar(select(BankEntry.id).where(same, stands)):
        raise ReferenceUsed(reference=transfer.reference)
