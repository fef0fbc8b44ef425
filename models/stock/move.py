"""Move stock between available, reserved, delivered and lost: each move is a row that never changes.

The columns of the thing (``Stocked``) are what its moves add up to; models.books.goods.stock recomputes them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import (
    CheckConstraint,
    Index,
    Integer,
    String,
    case,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, listed, one_of
from models.core.refusal import Refusal

THINGS = ("offer", "listing")
COLUMNS = ("initial", "available", "reserved", "delivered", "lost")
# Kind of move -> the column that shrinks, and the one that grows. ``initial`` grows or shrinks with ``available``.
MOVES: Mapping[str, tuple[str, str]] = {
    "add": ("", "available"),
    "remove": ("available", ""),
    "reserve": ("available", "reserved"),
    "release": ("reserved", "available"),
    "deliver": ("reserved", "delivered"),
    "lose": ("reserved", "lost"),
    # It never came to be: less was harvested.
    "spoil": ("available", "lost"),
    # Its owner gave it away or sold it elsewhere.
    "hand_out": ("available", "delivered"),
    # What counted as delivered never came, and what counted as lost came after all.
    "miss": ("delivered", "lost"),
    "find": ("lost", "reserved"),
}
_LONGEST_CAUSE = 60


class OutOfStock(Refusal):
    """Less is left than was wanted: ``left``, in the thing's unit (grams where it is weighed)."""

    code = "out_of_stock"


class Stocked:
    """The columns of a thing that has stock, in pieces or in grams: initial = available + reserved + delivered + lost.

    Only ``move`` and ``restock`` change them.
    """

    initial: Mapped[int]
    available: Mapped[int]
    reserved: Mapped[int] = mapped_column(default=0, server_default="0")
    delivered: Mapped[int] = mapped_column(default=0, server_default="0")
    lost: Mapped[int] = mapped_column(default=0, server_default="0")


def adds_up() -> CheckConstraint:
    """Build the CHECK that belongs to ``Stocked``."""
    return CheckConstraint(
        "initial > 0 AND available >= 0 AND reserved >= 0 AND delivered >= 0 AND lost >= 0 "
        "AND initial = available + reserved + delivered + lost",
        name="stock_adds_up",
    )


class HasStock(Protocol):
    @property
    def id(self) -> Any: ...

    __tablename__: str
    available: Any
    initial: Any


class StockMove(Base):
    """One move of a thing's stock. ``cause``: what moved it, as ``match:7:reserve``; no cause moves anything twice."""

    __tablename__ = "stock_moves"
    id: Mapped[RowId]
    thing: Mapped[str] = mapped_column(String(8))
    thing_id: Mapped[int]
    kind: Mapped[str] = mapped_column(String(8))
    quantity: Mapped[int]
    cause: Mapped[str] = mapped_column(String(_LONGEST_CAUSE), unique=True)
    at: Mapped[datetime]

    __table_args__ = (
        one_of("thing", THINGS),
        one_of("kind", tuple(MOVES)),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index("ix_stock_moves_thing", "thing", "thing_id", "id"),
    )


def open_stock(db: Session, thing: HasStock, now: datetime) -> None:
    """Record the first move of a new thing, whose row has its stock already."""
    _record(db, thing, "add", [(thing.initial, "new")], now)


def move(db: Session, thing: HasStock, kind: str, quantity: int, cause: str, now: datetime) -> bool:
    """Move ``quantity`` of the thing; returns False where this ``cause`` has moved it before, and changes nothing.

    One statement checks and changes the columns, so that two who want the last piece cannot both have it. Raises
    OutOfStock.
    """
    if not _record(db, thing, kind, [(quantity, cause)], now):
        return False
    _change(db, thing, kind, quantity)
    return True


def move_each(db: Session, thing: HasStock, kind: str, parts: Sequence[tuple[int, str]], now: datetime) -> None:
    """Move many quantities of the thing, each with its cause, in two statements; what moved before is left out.

    Raises OutOfStock.
    """
    quantity = _record(db, thing, kind, parts, now)
    if quantity:
        _change(db, thing, kind, quantity)


def _change(db: Session, thing: HasStock, kind: str, quantity: int) -> None:
    """Change the columns of the thing where there is enough. Raises OutOfStock."""
    source, target = MOVES[kind]
    table: Any = type(thing)
    values = {name: getattr(table, name) - quantity for name in (source,) if name}
    values |= {name: getattr(table, name) + quantity for name in (target,) if name}
    if not (source and target):
        values["initial"] = table.initial + (quantity if target else -quantity)
    db.flush()
    guard = getattr(table, source) >= quantity if source else table.id == thing.id
    changed = update(table).where(table.id == thing.id, guard).values(values)
    done: Any = db.execute(changed.execution_options(synchronize_session=False))
    left = 0 if done.rowcount else db.scalar(select(getattr(table, source)).where(table.id == thing.id))
    if not done.rowcount:
        raise OutOfStock(left=left)
    db.refresh(thing, COLUMNS)


def restock(db: Session, thing: HasStock, available: int, cause: str, now: datetime) -> None:
    """Set how much is available, beside what is reserved, delivered or lost. The caller has locked the thing."""
    more = available - thing.available
    if more:
        move(db, thing, "add" if more > 0 else "remove", abs(more), cause, now)


def hand_out(db: Session, thing: HasStock, cause: str, now: datetime) -> None:
    """Count what is left as delivered: its owner gave it away or sold it elsewhere. The caller has locked the thing."""
    if thing.available:
        move(db, thing, "hand_out", thing.available, cause, now)


def delta_of(column: str) -> Any:
    """Build an expression on StockMove: by how much a move changes this column of its thing."""
    grows = [kind for kind, (_, target) in MOVES.items() if target == column]
    shrinks = [kind for kind, (source, _) in MOVES.items() if source == column]
    if column == "initial":
        grows, shrinks = ["add"], ["remove"]
    signs = case((StockMove.kind.in_(grows), 1), (StockMove.kind.in_(shrinks), -1), else_=0)
    return StockMove.quantity * signs.cast(Integer)


def _record(db: Session, thing: HasStock, kind: str, parts: Sequence[tuple[int, str]], now: datetime) -> int:
    """Record the moves whose cause has moved nothing before; returns how much they move together.

    It takes as many parameters for many as for one.
    """
    if any(quantity < 1 for quantity, _ in parts):
        raise ValueError(f"{parts} has what is no quantity to move")
    name = _NAMES[thing.__tablename__]
    columns = StockMove.__table__.c
    own = ("quantity", "cause")
    moved = [(quantity, f"{name}:{thing.id}:{cause}") for quantity, cause in parts]
    given = listed({key: columns[key].type for key in own}, moved)
    same = {"thing": name, "thing_id": thing.id, "kind": kind, "at": now}
    rows = select(*given.c, *(literal(each, columns[key].type) for key, each in same.items()))
    added = insert(StockMove).from_select([*own, *same], rows, include_defaults=False)
    added = added.on_conflict_do_nothing(index_elements=["cause"])
    return sum(db.scalars(added.returning(StockMove.quantity)))


_NAMES = {"offers": "offer", "listings": "listing"}
