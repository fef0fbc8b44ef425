"""Keep the orders' own ledger: what was promised for each order, paid, released to the seller, and returned.

It holds no money of ours: it says where the buyer's is, which WeChat Pay keeps at the seller. Entries are only ever
added, each cause once; a trigger adds them up per order, and a constraint keeps what left from exceeding what came.
The donations' ledger (models.ledger) knows nothing of it.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, event, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of

KINDS = ("promised", "paid", "released", "returned")


class OrderAccount(Base):
    """What the entries of an order add up to, in fen; only their trigger changes it."""

    __tablename__ = "order_accounts"
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    promised_fen: Mapped[int] = mapped_column(default=0, server_default="0")
    paid_fen: Mapped[int] = mapped_column(default=0, server_default="0")
    released_fen: Mapped[int] = mapped_column(default=0, server_default="0")
    returned_fen: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (
        CheckConstraint(
            "promised_fen >= 0 AND released_fen >= 0 AND returned_fen >= 0 AND released_fen + returned_fen <= paid_fen",
            name="held",
        ),
    )

    @property
    def held_fen(self) -> int:
        """Return what was paid and neither released nor returned."""
        return self.paid_fen - self.released_fen - self.returned_fen


class OrderEntry(Base):
    """One entry. ``cause``: what it was posted for, as ``payment:7``; no cause is posted twice."""

    __tablename__ = "order_entries"
    id: Mapped[RowId]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    kind: Mapped[str] = mapped_column(String(8))
    amount_fen: Mapped[int]
    cause: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("kind", "cause"),
        one_of("kind", KINDS),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        Index("ix_order_entries_order", "order_id"),
    )


class OtherEntry(Exception):
    """Another sum, or another order, was posted for this cause."""


def post(db: Session, order_id: int, kind: str, fen: int, cause: str, now: datetime) -> None:
    """Post an entry once: the same again changes nothing. Raises OtherEntry.

    More out than in is refused by the database (IntegrityError): callers look first, under the order's lock.
    """
    values = {"order_id": order_id, "kind": kind, "amount_fen": fen, "cause": cause, "at": now}
    new = insert(OrderEntry).values(**values).on_conflict_do_nothing(index_elements=["kind", "cause"])
    if db.scalar(new.returning(OrderEntry.id)) is not None:
        return
    known = select(OrderEntry.order_id, OrderEntry.amount_fen).where(OrderEntry.kind == kind, OrderEntry.cause == cause)
    if tuple(db.execute(known).one()) != (order_id, fen):
        raise OtherEntry(kind, cause)


def post_each(db: Session, kind: str, entries: Sequence[tuple[int, int, str]], now: datetime) -> None:
    """Post many entries (order, fen, cause) as ``post`` does each, in a few statements. Raises OtherEntry."""
    same = {"kind": kind, "at": now}
    rows = [{**same, "order_id": order, "amount_fen": fen, "cause": cause} for order, fen, cause in entries]
    new = insert(OrderEntry).on_conflict_do_nothing(index_elements=["kind", "cause"]).returning(OrderEntry.cause)
    posted = set(db.scalars(new, rows)) if rows else set()
    for order, fen, cause in entries:
        if cause not in posted:
            post(db, order, kind, fen, cause, now)


def account_of(db: Session, order_id: int) -> OrderAccount:
    """Read an order's account; one of which nothing was posted is empty."""
    found = db.get(OrderAccount, order_id, populate_existing=True)
    return found or OrderAccount(order_id=order_id, promised_fen=0, paid_fen=0, released_fen=0, returned_fen=0)


@event.listens_for(OrderEntry, "before_insert")
@event.listens_for(OrderAccount, "before_insert")
@event.listens_for(OrderAccount, "before_update")
def _refuse(*_: object) -> None:
    raise TypeError("post() writes the orders' ledger, and nothing else does")
