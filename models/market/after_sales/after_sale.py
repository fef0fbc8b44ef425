"""Define after-sales: what was wrong with an order, what its buyer wishes, and how far it is."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, select, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.state_machine import By, Machine
from models.core.subject import Subject
from models.market.listing import Listing
from models.market.orders.order import Order

NAME = "after_sale"
# What the buyer says; ``unwanted``: nothing is wrong with it, and it goes back.
WRONGS = ("spoiled", "short", "broken", "other_goods", "not_got", "unwanted")
# A part of the price back, the goods again, or all of it back.
WISHES = ("part", "again", "all")

_SYSTEM = frozenset({By.SYSTEM})
# The buyer or the seller: models.market.after_sales.answers says which of them.
_PARTY = frozenset({By.OWNER})
_TOWNSHIP = frozenset({By.TOWNSHIP, By.COUNTY})
# Its buyer may leave it at that: also where the seller does not do what was decided, which would go on without end.
WITHDRAWABLE = ("asked", "refused", "township", "agreed")

AFTER_SALE_MACHINE = Machine(
    NAME,
    {
        ("asked", "agreed"): _PARTY,
        ("asked", "refused"): _PARTY,
        # The seller does not answer.
        ("asked", "township"): _SYSTEM,
        # The buyer objects, or leaves it at that; by the system: what never came is decided in any case.
        ("refused", "township"): _PARTY | _SYSTEM,
        ("refused", "dismissed"): _SYSTEM,
        ("township", "agreed"): _TOWNSHIP,
        ("township", "dismissed"): _TOWNSHIP,
        # By the seller: it is given back, or sent again.
        ("agreed", "done"): _PARTY,
        ("agreed", "township"): _SYSTEM,
        # What was paid by WeChat Pay goes back by itself (models.market.money).
        ("agreed", "settled"): _SYSTEM,
        # The seller did not do it in time: what was paid goes back by itself; what was paid by hand nobody can fetch.
        ("agreed", "unkept"): _SYSTEM,
        # Before WeChat Pay lets go what it keeps, it goes back (models.market.after_sales.deadline).
        ("township", "undecided"): _SYSTEM,
        # By the buyer, or by silence.
        ("done", "settled"): _PARTY | _SYSTEM,
        # It did not come.
        ("done", "township"): _PARTY,
        **{(state, "withdrawn"): _PARTY for state in WITHDRAWABLE},
    },
)
LASTS: Mapping[str, timedelta] = {
    "asked": timedelta(hours=48),
    "refused": timedelta(days=3),
    "agreed": timedelta(days=7),
    "done": timedelta(days=7),
}
# State -> so long before it ends by itself, whoever may still act in it is reminded.
REMINDED_BEFORE: Mapping[str, timedelta] = {
    "agreed": timedelta(days=2),
    "done": timedelta(days=2),
    "township": timedelta(days=1),
}
# What the seller was told so often and did not do goes before the township no more.
MOST_ROUNDS = 2
OPEN = ("asked", "refused", "township", "agreed", "done")
# What spoils has to be said within so many hours of the delivery, anything else until the order is completed.
HOURS_IF_FRESH = timedelta(hours=48)


class AfterSale(Base):
    """``part_fen``: how much of the price its buyer wants back; None where the goods are wanted again.

    ``round`` counts how often it came before the township. ``due_at``: when its state ends by itself; of the township's
    only where money is frozen, beside the time of its task (models.staff.task). ``remind_at``: when whoever may still
    act in it is reminded.
    """

    __tablename__ = "after_sales"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), unique=True)
    wrong: Mapped[str] = mapped_column(String(12))
    wish: Mapped[str] = mapped_column(String(8))
    part_fen: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(12), default="asked")
    round: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    due_at: Mapped[datetime | None]
    remind_at: Mapped[datetime | None]
    asked_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", AFTER_SALE_MACHINE.states),
        one_of("wrong", WRONGS),
        one_of("wish", WISHES),
        CheckConstraint("(wish = 'again') = (part_fen IS NULL)", name="money_or_goods"),
        CheckConstraint("part_fen > 0", name="part_positive"),
        CheckConstraint("wrong <> 'unwanted' OR wish = 'all'", name="unwanted_goes_back"),
        Index("ix_after_sales_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_after_sales_remind_at", "remind_at", postgresql_where=text("remind_at IS NOT NULL")),
    )

    @property
    def is_last(self) -> bool:
        """Tell whether the township has decided it as often as it is asked."""
        return self.round >= MOST_ROUNDS


AFTER_SALE = Subject(
    NAME,
    AfterSale,
    AFTER_SALE_MACHINE,
    begins=("asked",),
    owner=select(Order.buyer_id).where(Order.id == AfterSale.order_id).scalar_subquery(),
    place=select(Listing.region_code)
    .join(Order, Order.listing_id == Listing.id)
    .where(Order.id == AfterSale.order_id)
    .scalar_subquery(),
    household=select(Order.household_id).where(Order.id == AfterSale.order_id).scalar_subquery(),
    photos=(NAME,),
)
