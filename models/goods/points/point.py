"""Handover points, the goods that lie there for nobody, and what a keeper received of each parcel."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted
from models.core.state_machine import By, Machine
from models.core.subject import Subject

_OFFICER = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})
_KEEPER = frozenset({By.KEEPER})
# A point in a home is said to be one wherever its address is shown.
PLACES = ("shop", "office", "home")
# What a keeper found in a parcel; ``came`` is what can be handed out.
LINES = ("came", "missing", "broken", "other")

POINT_MACHINE = Machine(
    "point",
    {
        # The keeper agrees to keep it, and to show their work phone to who sends something there.
        ("proposed", "open"): _KEEPER,
        # By the system: its keeper left.
        ("proposed", "closed"): _OFFICER | _KEEPER | frozenset({By.SYSTEM}),
        ("open", "closed"): _OFFICER | _KEEPER | frozenset({By.SYSTEM}),
        ("closed", "proposed"): _OFFICER,
    },
)


class Point(Base):
    """A handover point. ``address``, ``hours`` and the keeper's work ``phone`` are shown to who sends goods there.

    ``agreed_at``: when its keeper agreed to keep it and to show the phone. ``next_keeper_id``: who was asked to keep it
    instead; until they agree its keeper keeps it. A keeper keeps one point. ``place``: one of PLACES.
    """

    __tablename__ = "points"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    name: Mapped[str] = mapped_column(String(40))
    place: Mapped[str] = mapped_column(String(8), default="shop", server_default="shop")
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    address: Mapped[str] = mapped_column(String(100))
    hours: Mapped[str] = mapped_column(String(60))
    keeper_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    next_keeper_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    phone: Mapped[str | None] = mapped_column(Encrypted("handover point phone"))
    opened_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    state: Mapped[str] = mapped_column(String(8), default="proposed")
    created_at: Mapped[datetime]
    agreed_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", POINT_MACHINE.states),
        one_of("place", PLACES),
        CheckConstraint("state <> 'open' OR (agreed_at IS NOT NULL AND phone IS NOT NULL)", name="agreed"),
        CheckConstraint("state <> 'closed' OR (phone IS NULL AND next_keeper_id IS NULL)", name="closed_has_no_phone"),
        Index("ix_points_open", "region_code", postgresql_where=text("state = 'open'")),
        Index("uq_points_kept", "keeper_id", unique=True, postgresql_where=text("state IN ('proposed', 'open')")),
    )


class Shelf(Base):
    """Goods of an offer that lie at a point and are promised to nobody. They stay reserved in the offer's stock.

    ``since``: when the last of them was laid there. ``turn_at``: when a round was last looked for since then.
    """

    __tablename__ = "shelves"
    id: Mapped[RowId]
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    point_id: Mapped[int] = mapped_column(ForeignKey("points.id"), index=True)
    quantity: Mapped[int]
    since: Mapped[datetime]
    turn_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        UniqueConstraint("offer_id", "point_id"),
        Index("ix_shelves_lying", "since", postgresql_where=text("quantity > 0")),
        Index("ix_shelves_turn", text("turn_at NULLS FIRST"), "id", postgresql_where=text("quantity > 0")),
    )


class ReceivedLine(Base):
    """What a keeper found in a match's parcel: a line for each of LINES that there was any of, in the offer's unit.

    ``reason``: a code of config/choices.toml (received_reason) for what did not come as it should.
    """

    __tablename__ = "received_lines"
    id: Mapped[RowId]
    match_id: Mapped[int] = mapped_column(ForeignKey("matches.id"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    quantity: Mapped[int]
    reason: Mapped[str | None] = mapped_column(String(20))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]

    __table_args__ = (
        one_of("kind", LINES),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("(kind = 'came') = (reason IS NULL)", name="reason_of_what_is_amiss"),
    )


POINT = Subject("point", Point, POINT_MACHINE, begins=("proposed",), place=Point.region_code)
