"""Allocations: which gifts paid for a disbursement, and with how much of each and of its match.

models.disbursements.allocation computes these shares; several rooms read from them what is left of a gift.
"""

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base


class DisbursementShare(Base):
    """A gift's share of a disbursement, in fen: ``amount_fen`` of the gift, ``matched_fen`` of what pools added."""

    __tablename__ = "disbursement_shares"
    disbursement_id: Mapped[int] = mapped_column(ForeignKey("disbursements.id"), primary_key=True)
    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledges.id"), primary_key=True)
    amount_fen: Mapped[int]
    matched_fen: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (
        CheckConstraint("amount_fen >= 0 AND matched_fen >= 0 AND amount_fen + matched_fen > 0", name="not_nothing"),
        Index("ix_disbursement_shares_pledge", "pledge_id", "amount_fen"),
    )
