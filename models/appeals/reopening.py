"""Let an appeal that ended without money spent be handed in again: a new appeal with its answers, which names it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from models.appeals.appeal import IN_REVIEW, LIVE, OPEN, Appeal
from models.appeals.correction import CannotChange
from models.core.refusal import Refusal
from models.people.user import User


class CannotReopen(Refusal):
    """The appeal was rejected, completed or stopped by the county (``state``)."""

    code = "cannot_reopen"


def is_reopenable(state: str, published_at: datetime | None) -> bool:
    """Tell whether it failed, or was cancelled before publication: because time ran out, or by its owner."""
    return state == "failed" or (state == "cancelled" and published_at is None)


def check_reopenable(appeal: Appeal) -> None:
    """Raise CannotChange of a frozen appeal, else CannotReopen, unless it is reopenable."""
    if appeal.state == "frozen":
        raise CannotChange(number=appeal.id, state=appeal.state, what="fix")
    if not is_reopenable(appeal.state, appeal.published_at):
        raise CannotReopen(number=appeal.id, state=appeal.state)


def is_open_to_change(appeal: Appeal) -> bool:
    """Tell whether it is corrected instead, since it has not ended."""
    return appeal.state in (*IN_REVIEW, *LIVE)


def reopenable_appeals(db: Session, user: User, most: int) -> Sequence[Appeal]:
    """List the user's newest reopenable appeals that no other replaces: not reopened, and their category is free."""
    other = aliased(Appeal)
    replaced = exists().where(other.reopens_id == Appeal.id)
    same = (other.household_id == Appeal.household_id) & (other.category == Appeal.category)
    ended = (Appeal.state == "failed") | ((Appeal.state == "cancelled") & Appeal.published_at.is_(None))
    found = select(Appeal).where(Appeal.owner_id == user.id, ended, ~replaced)
    found = found.where(~exists().where(same, other.state.in_(OPEN)))
    return db.scalars(found.order_by(Appeal.id.desc()).limit(most)).all()
