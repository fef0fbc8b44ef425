"""Owners correct, resubmit and withdraw their appeals while these are under review."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.appeals.appeal import IN_REVIEW, LIVE, MACHINE, Appeal, BudgetLine, NoSuchAppeal, budget_of
from models.appeals.submission import (
    NewAppeal,
    OnePerCategory,
    asker_of,
    check_category_free,
    check_place,
    submit_for_review,
)
from models.core.refusal import Refusal
from models.core.state_machine import Actor
from models.organisations.representative import check_in_office
from models.people.user import User
from models.staff.decision import Decision
from models.staff.task import close_task
from models.verification.case import lock_cases

_FIELDS = ("kind", "category", "title", "story", "region_code", "target_fen", "minimum_fen", "deadline", "collect_days")
_MOST = 5


class NotYourAppeal(Refusal):
    """The appeal is public, but only its owner may change it."""

    code = "not_your_appeal"


class CannotChange(Refusal):
    """The appeal cannot be changed or withdrawn in this ``state``; ``what``: fix or withdraw."""

    code = "cannot_change"
    final = True


class ChangedMeanwhile(Refusal):
    """The appeal was decided on or handed in again while its owner was writing; ``state``: its state now."""

    code = "changed_meanwhile"
    final = True


class NothingChanged(Refusal):
    """No answer was changed."""

    code = "nothing_changed"


def own_appeal(db: Session, user: User, number: int, *, lock: bool = False) -> Appeal:
    """Get the user's own appeal; ``lock``: with the household's cases locked before it.

    Raises NoSuchAppeal (also for another's appeal that is not public yet), NotYourAppeal, or TermOver of an
    organisation's.
    """
    if lock:
        # Before the appeal, which may be handed in again.
        lock_cases(db, db.scalar(select(Appeal.household_id).where(Appeal.id == number)))
    appeal = db.get(Appeal, number, with_for_update=lock or None, populate_existing=lock)
    if appeal is None or (appeal.owner_id != user.id and appeal.published_at is None):
        raise NoSuchAppeal(number=number)
    if appeal.owner_id != user.id:
        raise NotYourAppeal(number=number)
    check_in_office(db, appeal.household_id, user.id)
    return appeal


def own_appeals(db: Session, user: User, states: Sequence[str]) -> Sequence[Appeal]:
    """List the user's own appeals in these states (at most five), the newest first."""
    theirs = select(Appeal).where(Appeal.owner_id == user.id, Appeal.state.in_(states))
    return db.scalars(theirs.order_by(Appeal.id.desc()).limit(_MOST)).all()


def check_changeable(appeal: Appeal) -> None:
    """Check that the appeal is under review or live. Raises CannotChange."""
    if appeal.state not in (*IN_REVIEW, *LIVE):
        raise CannotChange(number=appeal.id, state=appeal.state, what="fix")


def resubmit(db: Session, appeal: Appeal, wanted: NewAppeal, now: datetime, by: Actor | None = None) -> None:
    """Change a locked appeal and submit it again, in a new round of review; earlier decisions stay with their round.

    Raises CannotChange, OnePerCategory or OutsideHomeCounty.
    """
    if appeal.state not in IN_REVIEW:
        raise CannotChange(number=appeal.id, state=appeal.state, what="fix")
    asker = asker_of(db, appeal)
    check_place(db, wanted.region_code, asker)
    if wanted.category != appeal.category:
        check_category_free(db, asker, wanted.category, now)
    close_task(db, "appeal", appeal.id, now)
    for name in _FIELDS:
        setattr(appeal, name, getattr(wanted, name))
    appeal.round += 1
    appeal.returned_fields = appeal.endorsed_by = appeal.endorsed_at = None
    try:
        db.flush()
    except IntegrityError as error:
        if "one_open" in str(error.orig) or "household_id" in str(error.orig):
            raise OnePerCategory(number=None) from None  # another member of the household was a moment earlier
        raise
    db.execute(delete(BudgetLine).where(BudgetLine.appeal_id == appeal.id))
    db.add_all(BudgetLine(appeal_id=appeal.id, item=item, amount_fen=fen) for item, fen in wanted.budget)
    submit_for_review(db, appeal, now, by)


def differs(db: Session, appeal: Appeal, wanted: NewAppeal) -> bool:
    """Tell whether the answers differ from the appeal; photos are not compared."""
    same = all(getattr(appeal, name) == getattr(wanted, name) for name in _FIELDS)
    return not same or budget_of(db, appeal.id) != list(wanted.budget)


def withdraw(db: Session, user: User, number: int, now: datetime) -> Appeal:
    """Withdraw an appeal under review. Locks it. Raises NoSuchAppeal, NotYourAppeal or CannotChange."""
    appeal = own_appeal(db, user, number, lock=True)
    check_withdrawable(appeal)
    MACHINE.move(db, appeal, "cancelled", Actor.owner(user.id), now, detail="withdrawn")
    close_task(db, "appeal", number, now)
    db.flush()
    return appeal


def check_withdrawable(appeal: Appeal) -> None:
    if appeal.state not in IN_REVIEW:
        raise CannotChange(number=appeal.id, state=appeal.state, what="withdraw")


def reasons_of_return(db: Session, appeal: Appeal) -> list[str]:
    """List the reasons for which it was last returned, as codes of config/choices.toml."""
    theirs = (Decision.subject == "appeal") & (Decision.subject_id == appeal.id) & (Decision.verdict == "return")
    reasons = db.scalar(select(Decision.reasons).where(theirs).order_by(Decision.id.desc()).limit(1))
    return reasons.split(",") if reasons else []
