"""Begin the erasures on paper that were confirmed, once their seven days are over and nobody stopped them."""

from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.core.encryption import CannotOpen
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM
from models.rights.erasure.by_staff import begin_signed
from models.rights.erasure.paper import (
    MACHINE,
    CannotEraseThem,
    HasOwnWeChat,
    PaperErasure,
    check_may_be_erased,
    tell_officer,
)
from models.rights.erasure.request import LATER
from models.staff.member import Staff

log = structlog.get_logger()

# Each is a transaction's locks and writes in some tables.
_BATCH = 20


def begin_due_papers(db: Session, now: datetime) -> int:
    """Begin those whose time has come, and put off what something open holds up. Returns how many began.

    Whoever got a WeChat of their own meanwhile asks there: theirs is stopped.
    """
    due = select(PaperErasure).where(PaperErasure.state == "cooling", PaperErasure.until <= now)
    found = db.scalars(due.order_by(PaperErasure.until).limit(_BATCH).with_for_update(skip_locked=True)).all()
    return sum(_begin_alone(db, paper, now) for paper in found)


def _begin_alone(db: Session, paper: PaperErasure, now: datetime) -> bool:
    """Begin one; what does not decrypt keeps nobody else waiting, and is tried again a day later."""
    try:
        with db.begin_nested():
            check_may_be_erased(db, paper.user_id)
            _begin(db, paper, now)
            return True
    except CannotOpen:
        log.exception("paper_erasure.cannot_open", number=paper.id)
        paper.until = now + LATER
    except Refusal as refused:
        _hold_up(db, paper, refused, now)
    return False


def _begin(db: Session, paper: PaperErasure, now: datetime) -> None:
    by = db.get_one(Staff, paper.staff_id), db.get_one(Staff, paper.confirmed_by)
    paper.ended_at = now
    MACHINE.move(db, paper, "erased", SYSTEM, now)
    begin_signed(db, None, paper.user_id, "on_paper", by, now)
    tell_officer(db, paper, "erased", now)


def _hold_up(db: Session, paper: PaperErasure, why: Refusal, now: datetime) -> None:
    """Put it off for a day, or stop it where the person can ask for themselves."""
    if isinstance(why, CannotEraseThem):
        paper.until = now + LATER
        tell_officer(db, paper, "put_off", now, holds=why.values["holds"])
    elif isinstance(why, HasOwnWeChat):
        paper.ended_at = now
        MACHINE.move(db, paper, "stopped", SYSTEM, now)
        tell_officer(db, paper, "own_wechat", now)
    else:
        raise why
    db.flush()
