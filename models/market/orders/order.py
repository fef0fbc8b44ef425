"""Define orders: how much of a listing a buyer ordered at which price, where it goes, and how far it is."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.calendar import start_of_day
from models.core.encryption import Encrypted, Lookup
from models.core.hooks import Hook
from models.core.state_machine import By, Machine
from models.core.subject import Subject
from models.goods.exchange import UNITS
from models.market.listing import Listing

CODE_LENGTH = 6
WAYBILL_PURPOSE = "order_waybill"

# The ids of orders that were just cancelled, now: what was paid for them goes back. Whoever cancels calls it.
on_cancelled: Hook[[Session, Sequence[int], datetime], None] = Hook("market.orders.order.on_cancelled")
# The order's id, its state, now: it was lowered, so that what was paid beyond its sum goes back.
on_cut: Hook[[Session, int, str, datetime], None] = Hook("market.orders.order.on_cut")
# The order's id, its state, now: it is over, and what is left of what was paid is the seller's.
on_over: Hook[[Session, int, str, datetime], None] = Hook("market.orders.order.on_over")

_SYSTEM = frozenset({By.SYSTEM})
# The buyer or the seller: models.market.orders.answers says which of them.
_PARTY = frozenset({By.OWNER})

_TOWNSHIP = frozenset({By.TOWNSHIP, By.COUNTY})

ORDER_MACHINE = Machine(
    "order",
    {
        # Paid by WeChat Pay (models.market.money); all others are reservations, and begin as placed.
        ("awaiting_payment", "paid"): _SYSTEM,
        # Its seller is paid by WeChat Pay no more.
        ("awaiting_payment", "placed"): _SYSTEM,
        **{(state, "accepted"): _PARTY for state in ("placed", "paid")},
        ("accepted", "shipped"): _PARTY,
        # Handed over in person.
        ("accepted", "delivered"): _PARTY,
        ("shipped", "delivered"): _PARTY | _SYSTEM,
        ("delivered", "completed"): _SYSTEM,
        # Something was wrong with it, or it never came (models.market.after_sales).
        **{(state, "after_sale"): _PARTY for state in ("shipped", "delivered")},
        **{("after_sale", state): _PARTY | _SYSTEM | _TOWNSHIP for state in ("refunded", "rejected", "completed")},
        **{(state, "cancelled"): _PARTY | _SYSTEM for state in ("placed", "awaiting_payment", "paid", "accepted")},
    },
    then=dict.fromkeys(("completed", "refunded", "rejected"), on_over),
)
# What of a listing is reserved for its buyers.
RESERVED = ("placed", "awaiting_payment", "paid", "accepted", "shipped")
# Nothing has been sent, so that it can still be cancelled.
NOT_SENT = ("placed", "awaiting_payment", "paid", "accepted")
# Something of it is still to come.
UNDER_WAY = (*NOT_SENT, "shipped", "delivered", "after_sale")
# The seller may answer it, or send it.
TO_ANSWER = ("placed", "paid")
TO_SEND = (*TO_ANSWER, "accepted")
# The seller needs to know where it goes; from the delivery on the address is masked.
ADDRESS_SHOWN = ("accepted", "shipped")
# State -> how long it lasts at most; that of ``accepted`` runs from the harvest where that is later, and ``delivered``
# ends with the seventh day after the day of the delivery (Consumer Protection Law, article 25).
LASTS: Mapping[str, timedelta] = {
    "awaiting_payment": timedelta(hours=2),
    "placed": timedelta(hours=48),
    "paid": timedelta(hours=48),
    "accepted": timedelta(days=7),
    "shipped": timedelta(days=7),
    "delivered": timedelta(days=8),
}
# What is paid online keeps so much time for a complaint before its money is frozen no more
# (models.market.after_sales.deadline).
TO_COMPLAIN = timedelta(days=6)
# From the yes, or the harvest, to the end of an order at the latest.
FROM_YES_TO_END = LASTS["accepted"] + LASTS["shipped"] + LASTS["delivered"] + TO_COMPLAIN
# E-commerce Law, article 31: what is known of a transaction is kept for three years from its end.
KEPT_FOR = timedelta(days=3 * 366)
# What becomes of an order whose share of a short harvest is less: its buyer is asked, waits for the rest to the last
# day of the window, or takes less; of both that wait for a day, ``choice_until`` says which.
CHOICES = ("open", "wait", "less")
ASKED = ("open", "wait")
CHOOSE_WITHIN = timedelta(days=3)
# Why an order was cancelled: by its buyer; its seller has none left, harvested too little for it, did not answer or did
# not send it in time; the seller's household is suspended or the listing was taken down; its buyer's data was erased;
# it was not paid in time; nobody speaks for the organisation that sells it; its buyer speaks for that from now on.
WHY_CANCELLED = (
    *("buyer", "no_stock", "no_harvest", "silent", "not_sent", "suspended", "buyer_left", "unpaid"),
    *("term_over", "own_now"),
)


def ends_at(state: str, begins: datetime) -> datetime | None:
    """Return when a state that begins then ends by itself; None where it does not."""
    if state == "delivered":
        return start_of_day(begins) + LASTS[state]
    return begins + LASTS[state] if state in LASTS else None


class Order(Base):
    """``quantity`` in the listing's ``unit`` (``jin``: grams). ``price_fen`` is that of the day, for one unit.

    ``wanted``: what was ordered, where less is reserved; ``choice``: what its buyer says to that (CHOICES).
    ``due_at``: when its state ends by itself. ``fresh``: it spoils, so that it cannot be sent back without a reason.
    ``paid_at``: when WeChat Pay had the money; None: it is paid by hand, or not yet. ``accepted_at``: when its seller
    said yes, by joining a campaign also before it is paid.
    ``code``: what people call it by. ``recipient``, ``phone``, ``address`` and ``waybill``: empty once it is cancelled
    or ``forget_at`` is over.
    """

    __tablename__ = "orders"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    code: Mapped[str] = mapped_column(String(8), unique=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    seller_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"))
    buyer_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(60))
    unit: Mapped[str] = mapped_column(String(12))
    quantity: Mapped[int]
    wanted: Mapped[int | None]
    choice: Mapped[str | None] = mapped_column(String(8))
    choice_until: Mapped[datetime | None]
    price_fen: Mapped[int]
    total_fen: Mapped[int]
    fresh: Mapped[bool] = mapped_column(Boolean)
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    recipient: Mapped[str | None] = mapped_column(Encrypted("order recipient"))
    phone: Mapped[str | None] = mapped_column(Encrypted("order phone"))
    address: Mapped[str | None] = mapped_column(Encrypted("order address"))
    state: Mapped[str] = mapped_column(String(16), default="placed")
    why: Mapped[str | None] = mapped_column(String(12))
    due_at: Mapped[datetime | None]
    placed_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    shipped_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    forget_at: Mapped[datetime | None]
    carrier: Mapped[str | None] = mapped_column(String(20))
    waybill: Mapped[str | None] = mapped_column(Encrypted("order waybill", Lookup("waybill_hash", WAYBILL_PURPOSE)))
    waybill_hash: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        one_of("state", ORDER_MACHINE.states),
        one_of("unit", UNITS),
        one_of("why", WHY_CANCELLED),
        one_of("choice", CHOICES),
        CheckConstraint("(choice IS NULL) = (wanted IS NULL) AND wanted > quantity", name="wanted_more"),
        CheckConstraint("COALESCE(choice IN ('open', 'wait'), false) = (choice_until IS NOT NULL)", name="choice_ends"),
        CheckConstraint(
            "choice_until IS NULL OR state IN ('placed', 'paid', 'accepted')", name="asked_before_it_is_sent"
        ),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("price_fen > 0 AND total_fen > 0", name="price_positive"),
        CheckConstraint("buyer_id <> seller_id", name="not_of_oneself"),
        CheckConstraint("(state = 'cancelled') = (why IS NOT NULL)", name="cancelled_for_a_reason"),
        CheckConstraint(
            "state <> 'cancelled' OR (recipient IS NULL AND phone IS NULL AND address IS NULL)",
            name="cancelled_goes_nowhere",
        ),
        Index("ix_orders_listing", "listing_id", "state"),
        Index("ix_orders_buyer", "buyer_id", "id"),
        Index("ix_orders_seller", "seller_id", "id"),
        Index("ix_orders_household", "household_id", "state"),
        Index("ix_orders_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_orders_choice_until", "choice_until", postgresql_where=text("choice_until IS NOT NULL")),
        Index("ix_orders_forget_at", "forget_at", postgresql_where=text("forget_at IS NOT NULL")),
        Index("ix_orders_waybill", "waybill_hash", postgresql_where=text("waybill_hash IS NOT NULL")),
    )

    @property
    def title(self) -> str:
        return self.name


ORDER = Subject(
    "order",
    Order,
    ORDER_MACHINE,
    begins=("placed", "awaiting_payment"),
    # Its household is the seller's, with whom it moves (models.families.moving).
    owner=Order.seller_id,
    place=select(Listing.region_code).where(Listing.id == Order.listing_id).scalar_subquery(),
    household=Order.household_id,
)
