"""Thanks for goods: the household's words and photos for the donor, which an officer reads first."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.state_machine import By, Machine
from models.core.subject import Subject
from models.goods.matches.match import MATCH

_OFFICER = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})

THANKS_MACHINE = Machine(
    "goods_thanks",
    {
        ("submitted", "published"): _OFFICER,
        ("submitted", "returned"): _OFFICER,
        # The household has written others, or is erased.
        ("submitted", "withdrawn"): frozenset({By.OWNER, By.SYSTEM}),
        # An officer wrote them for the household, which denies them.
        ("published", "withdrawn"): frozenset({By.OWNER}),
    },
)

_LIVE = text("state IN ('submitted', 'published')")


class GoodsThanks(Base):
    """Thanks for one match. Its pictures are photos with the subject ``goods_thanks``; the donor alone reads them."""

    __tablename__ = "goods_thanks"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    match_id: Mapped[int] = mapped_column(ForeignKey("matches.id"))
    words: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default="submitted", server_default="submitted")
    created_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", THANKS_MACHINE.states),
        Index("ix_goods_thanks_match_id", "match_id"),
        Index("uq_goods_thanks_live", "match_id", unique=True, postgresql_where=_LIVE),
    )


GOODS_THANKS = Subject(
    "goods_thanks",
    GoodsThanks,
    THANKS_MACHINE,
    begins=("submitted",),
    parent=MATCH,
    parent_id=GoodsThanks.match_id,
    photos=("goods_thanks",),
)
