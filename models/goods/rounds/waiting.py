"""Count a request's days of waiting, by which rounds order it: from when it was first public, while it stays the same.

Renewing keeps the days. They begin anew where the request expired unanswered, and where it is mended to ask for more or
for something else, so that days cannot be gathered with one wish and spent on another. While it lay returned with its
owner they do not count.
"""

from datetime import datetime
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.goods.exchange import REQUEST, GoodsRequest


class Wish(Protocol):
    """What a request asks for; models.goods.submission.NewRequest is one."""

    @property
    def category(self) -> str: ...
    @property
    def sort(self) -> str | None: ...
    @property
    def unit(self) -> str: ...
    @property
    def quantity(self) -> int: ...


def asks_for_more(request: GoodsRequest, wish: Wish) -> bool:
    """Tell whether the wish is for more than the request, or for something else: then its days begin anew."""
    same = (wish.category, wish.sort, wish.unit) == (request.category, request.sort, request.unit)
    return not same or wish.quantity > request.quantity


def begin_waiting(request: GoodsRequest, now: datetime) -> None:
    """Let the days of a request that is public now count, unless they do already."""
    request.waits_from = request.waits_from or now


def keep_waiting(db: Session, request: GoodsRequest, wish: Wish, now: datetime) -> None:
    """Keep or end its days of waiting before it is mended. The caller holds its row, which is not changed yet."""
    if request.waits_from is None:
        return
    if request.state == "expired" or asks_for_more(request, wish):
        request.waits_from = None
    elif request.state == "returned":
        request.waits_from = min(request.waits_from + (now - _returned_at(db, request, now)), now)


def _returned_at(db: Session, request: GoodsRequest, now: datetime) -> datetime:
    its_own = (AuditEvent.subject == REQUEST.name) & (AuditEvent.subject_id == request.id)
    newest = select(AuditEvent.at).where(its_own, AuditEvent.to_state == "returned").order_by(AuditEvent.id.desc())
    return db.scalar(newest.limit(1)) or now
