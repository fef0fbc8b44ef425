"""Which gifts paid for a disbursement: how much of each, and of what matching pools had added to it.

models.disbursements.allocation works these shares out; what is left of a gift is read from them here and there.
"""

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base


class DisbursementShare(Base):
    """How much of a gift went into it, and of what pools had added to that gift (models.disbursements.allocation)."""

    __tablename__ = "disbursement_shares"
    disbursement_id: Mapped[int] = mapped_column(ForeignKey("disbursements.id"), primary_key=True)
    pledge_id: Mapped[int] = mapped_column(ForeignKey("pledges.id"), primary_key=True)
    amount_fen: Mapped[int]
    matched_fen: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (
        CheckConstraint("amount_fen >= 0 AND matched_fen >= 0 AND amount_fen + matched_fen > 0", name="not_nothing"),
        Index("ix_disbursement_shares_pledge", "pledge_id", "amount_fen"),
    )
