"""Define lots: the harvest of a listing that is sold before it is picked, and how far that harvest is.

The caller of everything here holds the listing's row: a lot has no lock of its own.
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, among, one_of
from models.core.calendar import start_of_day_of
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor, By, Machine
from models.core.subject import Subject
from models.market.listing import LISTING, Listing

_SYSTEM = frozenset({By.SYSTEM})
_OWNER = frozenset({By.OWNER})

# Nothing of it has been picked, as far as the seller said.
TO_PICK = ("open", "locked")

LOT_MACHINE = Machine(
    "lot",
    {
        # The first day came, or all that may be sold is sold.
        ("open", "locked"): _SYSTEM,
        # Before the first day some came back, or the seller has more.
        ("locked", "open"): _SYSTEM,
        # By the system: its seller lists it as ripe.
        **{(state, "harvested"): _OWNER | _SYSTEM for state in TO_PICK},
        # The first order left.
        ("harvested", "shipping"): _OWNER,
        # Every order is over, and nothing is on sale.
        **{(state, "done"): _SYSTEM for state in ("harvested", "shipping")},
        # By the owner: nothing grew. By the system: the window ended without a word.
        **{(state, "failed"): _OWNER | _SYSTEM for state in TO_PICK},
        # Its seller lists the next harvest; what left of the one before runs on.
        **{(state, "open"): _SYSTEM for state in ("harvested", "shipping", "done", "failed")},
    },
)
# After the last day the seller has three days to say what became of it.
WORD_WITHIN = timedelta(days=3)


class Lot(Base):
    """The window from ``first_day`` to ``last_day``, both included. ``due_at``: what the clock does next, and when.

    ``picking_at``: its seller was told that picking begins; ``asked_at``: was asked on the last day. ``counted``: the
    seller said how much there is while it was being picked, so that it can be ordered.
    """

    __tablename__ = "lots"
    id: Mapped[RowId]
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"), unique=True)
    state: Mapped[str] = mapped_column(String(12), default="open")
    first_day: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date] = mapped_column(Date)
    begun_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    picking_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    harvested_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    counted: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))

    __table_args__ = (
        one_of("state", LOT_MACHINE.states),
        CheckConstraint("first_day <= last_day", name="window"),
        CheckConstraint("(state IN ('open', 'locked')) = (due_at IS NOT NULL)", name="clock_runs_until_picked"),
        CheckConstraint("(state IN ('done', 'failed')) = (ended_at IS NOT NULL)", name="ended_once_over"),
        CheckConstraint("state NOT IN ('harvested', 'shipping') OR harvested_at IS NOT NULL", name="harvested_once"),
        Index("ix_lots_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_lots_sending", "id", postgresql_where=text("state IN ('harvested', 'shipping')")),
    )

    @property
    def fails_at(self) -> datetime:
        """Return when it fails without a word of its seller."""
        return fails_after(self.last_day)

    @property
    def window_ends_at(self) -> datetime:
        return start_of_day_of(self.last_day + timedelta(days=1))

    def may_bring(self, now: datetime) -> bool:
        """Tell whether more of it may come yet."""
        return self.ended_at is None and now < self.window_ends_at


LOT = Subject("lot", Lot, LOT_MACHINE, begins=("open",), parent=LISTING, parent_id=Lot.listing_id)


class NotHarvested(Refusal):
    """The order ``code`` cannot leave: the lot of the listing ``number`` is not picked, as far as its seller said."""

    code = "not_harvested"
    final = True


def fails_after(last_day: date) -> datetime:
    """Return when a lot with this last day fails without a word of its seller."""
    return start_of_day_of(last_day + timedelta(days=1)) + WORD_WITHIN


def lot_of(db: Session, listing_id: int) -> Lot | None:
    return db.scalar(select(Lot).where(Lot.listing_id == listing_id).execution_options(populate_existing=True))


def lot_to_pick(db: Session, listing_id: int) -> Lot | None:
    """Return the listing's lot where it is not picked yet."""
    lot = lot_of(db, listing_id)
    return lot if lot and lot.state in TO_PICK else None


def lots_to_pick(db: Session, listings: Collection[int]) -> dict[int, Lot]:
    """Map those of these listings of which the lot is not picked yet to it."""
    found = select(Lot).where(among(Lot.listing_id, listings), Lot.state.in_(TO_PICK))
    return {lot.listing_id: lot for lot in db.scalars(found.execution_options(populate_existing=True))}


def move_lot(db: Session, lot: Lot, to: str, actor: Actor, now: datetime) -> None:
    """Move it on; what is picked or over has no clock."""
    lot.due_at = lot.due_at if to in TO_PICK else None
    lot.harvested_at = now if to == "harvested" else lot.harvested_at
    lot.ended_at = now if to in ("done", "failed") else None
    LOT_MACHINE.move(db, lot, to, actor, now)
    db.flush()


def follow_stock(db: Session, listing: Listing, now: datetime) -> None:
    """Lock the lot once all that may be sold is sold; open it again where some comes back before the first day."""
    lot = lot_to_pick(db, listing.id)
    if lot is None:
        return
    if lot.state == "open" and not listing.available:
        move_lot(db, lot, "locked", SYSTEM, now)
    elif lot.state == "locked" and lot.picking_at is None and listing.available:
        move_lot(db, lot, "open", SYSTEM, now)


def note_counted(db: Session, listing: Listing, now: datetime) -> None:
    """Note that the seller said how much there is to sell: while it is picked, that can be ordered."""
    lot = lot_to_pick(db, listing.id)
    if lot and lot.picking_at is not None:
        lot.counted = True
        db.flush()
    follow_stock(db, listing, now)
