"""What the payment channel has paid out to a fund holder's bank, as the fund holder has seen it arrive (到账).

A fund holder is known by the region that it is appointed for: its people come and go, its bank account stays.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId
from models.ledger import Account, lock, moves
from models.ledger.accounts import CHANNEL
from models.ledger.errors import ChannelShort, ReferenceUsed
from models.staff.fund_holder import holder_of
from models.staff.member import Staff
from models.treasury.reversible import Undone, undone_rules


class Settlement(Undone, Base):
    """``amount_fen`` has left the channel, of which ``fee_fen`` are its fee and the rest is in the bank."""

    __tablename__ = "settlements"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    holder_id: Mapped[int]
    amount_fen: Mapped[int]
    fee_fen: Mapped[int]
    bank_reference: Mapped[str] = mapped_column(String(40))
    entered_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("amount_fen > 0 AND fee_fen >= 0 AND fee_fen <= amount_fen", name="fee_within"),
        *undone_rules("settlements"),
    )


def settle(
    db: Session, staff: Staff, draft_id: str, amount_fen: int, fee_fen: int, reference: str, now: datetime
) -> Settlement:
    """Enter it, and post it. The same draft twice is the same. Raises ReferenceUsed or ChannelShort."""
    there = lock(db, [CHANNEL, Account("bank", holder_of(staff)), Account("fees", holder_of(staff))])[CHANNEL]
    # Whoever else enters something has waited for the accounts: what is read now stays.
    earlier = db.scalar(select(Settlement).where(Settlement.draft_id == draft_id))
    if earlier:
        return earlier
    check_reference(db, staff, reference)
    if there.balance_fen < amount_fen:
        raise ChannelShort(held_fen=there.balance_fen)
    settlement = Settlement(
        draft_id=draft_id,
        holder_id=holder_of(staff),
        amount_fen=amount_fen,
        fee_fen=fee_fen,
        bank_reference=reference,
        entered_by=staff.id,
        at=now,
    )
    db.add(settlement)
    db.flush()
    number = settlement.id
    record(db, at=now, actor=staff.actor.name, action="settled", subject="settlement", subject_id=number)
    moves.settled(db, settlement.holder_id, amount_fen, fee_fen, f"settlement:{number}", now)
    return settlement


def check_reference(db: Session, staff: Staff, reference: str) -> None:
    """Raises ReferenceUsed."""
    same = (Settlement.holder_id == holder_of(staff)) & (Settlement.bank_reference == reference)
    if db.scalar(select(Settlement.id).where(same, Settlement.undone_at.is_(None))):
        raise ReferenceUsed(reference=reference)
