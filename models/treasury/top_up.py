"""What a fund holder has put with the payment channel, so that gifts can go back whose money was settled (充值)."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId
from models.ledger import Account, lock, moves
from models.ledger.accounts import CHANNEL
from models.ledger.errors import BankShort, ReferenceUsed
from models.staff.fund_holder import holder_of
from models.staff.member import Staff
from models.treasury.reversible import Undone, undone_rules


class TopUp(Undone, Base):
    """``amount_fen`` has left the fund holder's bank, under that bank's number, and is with the channel."""

    __tablename__ = "top_ups"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    holder_id: Mapped[int]
    amount_fen: Mapped[int]
    bank_reference: Mapped[str] = mapped_column(String(40))
    entered_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        *undone_rules("top_ups"),
    )


def top_up(db: Session, staff: Staff, draft_id: str, amount_fen: int, reference: str, now: datetime) -> TopUp:
    """Enter it, and post it. The same draft twice is the same. Raises ReferenceUsed or BankShort."""
    holder = holder_of(staff)
    bank = Account("bank", holder)
    held = lock(db, [CHANNEL, bank])[bank].balance_fen
    # Whoever else enters something has waited for the accounts: what is read now stays.
    earlier = db.scalar(select(TopUp).where(TopUp.draft_id == draft_id))
    if earlier:
        return earlier
    same = (TopUp.holder_id == holder) & (TopUp.bank_reference == reference)
    if db.scalar(select(TopUp.id).where(same, TopUp.undone_at.is_(None))):
        raise ReferenceUsed(reference=reference)
    if held < amount_fen:
        raise BankShort(held_fen=held)
    entered = TopUp(
        draft_id=draft_id,
        holder_id=holder,
        amount_fen=amount_fen,
        bank_reference=reference,
        entered_by=staff.id,
        at=now,
    )
    db.add(entered)
    db.flush()
    record(db, at=now, actor=staff.actor.name, action="topped_up", subject="top_up", subject_id=entered.id)
    moves.topped_up(db, holder, amount_fen, f"top_up:{entered.id}", now)
    return entered
