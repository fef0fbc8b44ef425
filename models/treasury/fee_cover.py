"""The channel's fees, which the fund holder pays to its bank from elsewhere: gifts are spent whole (补手续费)."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId
from models.core.refusal import Refusal
from models.ledger import Account, lock, moves
from models.ledger.accounts import LedgerAccount
from models.ledger.errors import ReferenceUsed
from models.staff.fund_holder import holder_of
from models.staff.member import Staff
from models.treasury.reversible import Undone, undone_rules


class NoFees(Refusal):
    """The channel has kept nothing that is not covered."""

    code = "no_fees"
    final = True


class MoreThanFees(Refusal):
    """``uncovered_fen`` are all that is missing: what is more is nobody's."""

    code = "more_than_fees"
    step = "amount"


class FeeCover(Undone, Base):
    """``amount_fen`` has come to the fund holder's bank from its own funds, under that bank's number."""

    __tablename__ = "fee_covers"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    holder_id: Mapped[int]
    amount_fen: Mapped[int]
    bank_reference: Mapped[str] = mapped_column(String(40))
    entered_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        *undone_rules("fee_covers"),
    )


def uncovered(db: Session, staff: Staff) -> int:
    """What the channel has kept of this fund holder's settlements, and nobody has paid in; never less than nothing."""
    of_holder = (LedgerAccount.kind == "fees") & (LedgerAccount.subject_id == holder_of(staff))
    return max(db.scalar(select(LedgerAccount.balance_fen).where(of_holder)) or 0, 0)


def check_covers(db: Session, staff: Staff, fen: int) -> None:
    """Raises NoFees or MoreThanFees."""
    _check(fen, uncovered(db, staff))


def cover(db: Session, staff: Staff, draft_id: str, amount_fen: int, reference: str, now: datetime) -> FeeCover:
    """Enter it, and post it. The same draft twice is the same. Raises ReferenceUsed, NoFees or MoreThanFees."""
    holder = holder_of(staff)
    fees = Account("fees", holder)
    # Whoever else enters something has waited for the accounts: what is read now stays.
    held = lock(db, [Account("bank", holder), fees])[fees].balance_fen
    earlier = db.scalar(select(FeeCover).where(FeeCover.draft_id == draft_id))
    if earlier:
        return earlier
    same = (FeeCover.holder_id == holder) & (FeeCover.bank_reference == reference)
    if db.scalar(select(FeeCover.id).where(same, FeeCover.undone_at.is_(None))):
        raise ReferenceUsed(reference=reference)
    _check(amount_fen, held)
    entered = FeeCover(
        draft_id=draft_id,
        holder_id=holder,
        amount_fen=amount_fen,
        bank_reference=reference,
        entered_by=staff.id,
        at=now,
    )
    db.add(entered)
    db.flush()
    record(db, at=now, actor=staff.actor.name, action="fees_covered", subject="fee_cover", subject_id=entered.id)
    moves.fees_covered(db, holder, amount_fen, f"fee_cover:{entered.id}", now)
    return entered


def _check(fen: int, there: int) -> None:
    if there <= 0:
        raise NoFees()
    if fen > there:
        raise MoreThanFees(uncovered_fen=there)
