"""Carry out the changes whose wait is over, each by itself: what cannot be read keeps nobody else waiting."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import update
from sqlalchemy.orm import Session

from models.core.encryption import CannotOpen
from models.rights.request import RightsRequest, lock_due

log = structlog.get_logger()

# What cannot be read is tried again: its data key may be missing for a while only.
_LATER = timedelta(days=1)


def carry_out(db: Session, kind: str, now: datetime, change: Callable[[Session, RightsRequest, datetime], None]) -> int:
    """Call ``change`` for the requests of this kind that are due, in a savepoint each. Returns how many it made.

    One of which something cannot be read is logged, stays as it is, and is due again a day later.
    """
    found = lock_due(db, "waiting", now, kind)
    numbers = [request.id for request in found]
    return sum(_carry_out(db, request, number, change, now) for request, number in zip(found, numbers, strict=True))


def _carry_out(
    db: Session,
    request: RightsRequest,
    number: int,
    change: Callable[[Session, RightsRequest, datetime], None],
    now: datetime,
) -> bool:
    try:
        with db.begin_nested():
            change(db, request, now)
            db.flush()
    except (CannotOpen, LookupError, TypeError, ValueError):  # the last three: a wish that an earlier release wrote
        log.exception("request.cannot_open", request=number)
        db.execute(update(RightsRequest).where(RightsRequest.id == number).values(until=now + _LATER))
        return False
    return True
