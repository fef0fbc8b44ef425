"""Let a household have one request of a sort at a time: splitting a need into many is no way to more of it."""

import zlib
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.refusal import Refusal
from models.goods.exchange import WAITING, GoodsRequest

_LOCK = 0x0612


class RequestedAlready(Refusal):
    """The household's request ``number`` of this sort waits already; its owner may mend it (``own``)."""

    code = "requested_already"
    final = True

    def __init__(self, earlier: GoodsRequest, owner_id: int | None) -> None:
        own = earlier.owner_id == owner_id
        ways = (("fix", f"request:{earlier.id}"),) if own else ()
        super().__init__(number=earlier.id, item=earlier.item, own=own, ways=ways)


@dataclass(frozen=True, slots=True)
class Need:
    """What a household needs: ``called`` is the sort, or the item's name where it has none."""

    household_id: int | None
    category: str
    called: str

    @classmethod
    def of(cls, request: GoodsRequest) -> "Need":
        return cls(request.household_id, request.category, request.sort or request.item)


def check_one_request(db: Session, need: Need, owner_id: int | None, but: int | None = None) -> None:
    """Check that no request of the household other than ``but`` asks for this. Raises RequestedAlready.

    Locks the need until the transaction ends, so that of two at once the later sees the other.
    """
    _lock(db, need)
    earlier = find_waiting(db, need, but)
    if earlier is not None:
        raise RequestedAlready(earlier, owner_id)


def stand_beside(db: Session, request: GoodsRequest) -> None:
    """Let a request that waits again stand beside a newer one of its sort. Call it before its state changes."""
    need = Need.of(request)
    _lock(db, need)
    if find_waiting(db, need, request.id) is not None:
        request.beside = request.id
        db.flush()


def find_waiting(db: Session, need: Need, but: int | None = None) -> GoodsRequest | None:
    """Return the household's request for this that waits, other than ``but``; None where there is none."""
    theirs = (GoodsRequest.household_id == need.household_id) & GoodsRequest.state.in_(WAITING)
    called = func.coalesce(GoodsRequest.sort, GoodsRequest.item) == need.called
    others = select(GoodsRequest).where(theirs, GoodsRequest.category == need.category, called)
    return db.scalar(others.where(GoodsRequest.id.is_distinct_from(but)).order_by(GoodsRequest.id).limit(1))


def _lock(db: Session, need: Need) -> None:
    name = f"{need.household_id}:{need.category}:{need.called}".encode()
    # The lock's second number is a signed 32-bit integer.
    db.execute(select(func.pg_advisory_xact_lock(_LOCK, zlib.crc32(name) - 2**31)))
