"""Keep each appeal's count of gifts and sums of promises, which no page and no payment then counts anew.

Triggers on the pledges move the sums in the statement that moves a pledge (migration 0073); check-books recounts them.
"""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base


class PledgeSums(Base):
    """An appeal's pledges by what they are now; an appeal without a pledge has no row.

    ``paid`` counts those in one of ``models.giving.pledge.PAID``; ``intended`` counts promises without payment, with
    their fen; ``awaiting_fen`` is what is to be paid.
    """

    __tablename__ = "pledge_sums"
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), primary_key=True, autoincrement=False)
    paid: Mapped[int]
    intended: Mapped[int]
    intended_fen: Mapped[int]
    awaiting_fen: Mapped[int]
