"""Rounds and their candidates: what the rule knew of each household that asked, and where that put it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.encryption import Encrypted
from models.core.state_machine import By, Machine
from models.core.subject import Subject
from models.goods.exchange import Offer

_SYSTEM = frozenset({By.SYSTEM})
_GATHERING = "state = 'gathering'"

ROUND_MACHINE = Machine("round", {("gathering", "drawn"): _SYSTEM, ("gathering", "void"): _SYSTEM})


class Round(Base):
    """A round of an offer, or of what lies on a shelf. ``rule``: the version of models.goods.rounds.rule.

    ``seed_hash`` is public from the beginning; ``seed`` (hexadecimal) is published once the round is drawn. ``there``:
    how much there was to share at the draw, in the offer's unit.
    """

    __tablename__ = "rounds"
    id: Mapped[RowId]
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"), index=True)
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("shelves.id"))
    rule: Mapped[int] = mapped_column(SmallInteger)
    seed: Mapped[str] = mapped_column(Encrypted("round seed"))
    seed_hash: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(12), default="gathering")
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    drawn_at: Mapped[datetime | None]
    there: Mapped[int | None]

    __table_args__ = (
        one_of("state", ROUND_MACHINE.states),
        CheckConstraint("(state = 'drawn') = (drawn_at IS NOT NULL)", name="drawn_at_a_moment"),
        Index(
            "uq_rounds_gathering_offer",
            "offer_id",
            unique=True,
            postgresql_where=text(f"{_GATHERING} AND shelf_id IS NULL"),
        ),
        Index(
            "uq_rounds_gathering_shelf",
            "shelf_id",
            unique=True,
            postgresql_where=text(f"{_GATHERING} AND shelf_id IS NOT NULL"),
        ),
        Index("ix_rounds_due", "closes_at", postgresql_where=text(_GATHERING)),
        Index("ix_rounds_shelf_id", "shelf_id", postgresql_where=text("shelf_id IS NOT NULL")),
    )


class Candidate(Base):
    """A request in a round. ``key``: its pseudonym there; the household alone is told which row is its own.

    ``need`` … ``near``: the points of each part of the rule; ``score``: their sum. ``lot``: the hash that breaks ties.
    ``place``: from 1. ``wanted`` and ``given`` in the offer's unit. ``barred``: why it could get nothing, or None.
    """

    __tablename__ = "round_candidates"
    id: Mapped[RowId]
    round_id: Mapped[int] = mapped_column(ForeignKey("rounds.id"))
    request_id: Mapped[int] = mapped_column(ForeignKey("goods_requests.id"), index=True)
    key: Mapped[str] = mapped_column(String(8))
    need: Mapped[int] = mapped_column(SmallInteger)
    waited: Mapped[int] = mapped_column(SmallInteger)
    due: Mapped[int] = mapped_column(SmallInteger)
    helped: Mapped[int] = mapped_column(SmallInteger)
    near: Mapped[int] = mapped_column(SmallInteger)
    score: Mapped[int]
    missed: Mapped[int] = mapped_column(SmallInteger)
    lot: Mapped[str] = mapped_column(String(64))
    place: Mapped[int]
    wanted: Mapped[int]
    given: Mapped[int]
    barred: Mapped[str | None] = mapped_column(String(16))

    __table_args__ = (
        UniqueConstraint("round_id", "request_id"),
        UniqueConstraint("round_id", "key"),
        CheckConstraint("given BETWEEN 0 AND wanted", name="given_at_most_wanted"),
        CheckConstraint("barred IS NULL OR given = 0", name="barred_get_nothing"),
    )


ROUND = Subject(
    "round",
    Round,
    ROUND_MACHINE,
    begins=("gathering",),
    owner=select(Offer.donor_id).where(Offer.id == Round.offer_id).scalar_subquery(),
    place=select(func.coalesce(Offer.goes_to, Offer.region_code)).where(Offer.id == Round.offer_id).scalar_subquery(),
)
