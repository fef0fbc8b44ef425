"""Forget an erased person's appeals: what is under review is cancelled, what is live is frozen for the county."""

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models.appeals.appeal import LIVE, MACHINE, Appeal, BudgetLine, freeze
from models.appeals.flag import OF_WORDS, Flag
from models.appeals.revision_review import erase_revisions
from models.core.leaver import ERASED, Leaver
from models.core.state_machine import SYSTEM
from models.staff.task import close_task


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    """Delete stories, and of what was never published titles and budgets, too; the sums stay."""
    theirs = select(Appeal).where(Appeal.owner_id == leaver.user_id).order_by(Appeal.id)
    for appeal in db.scalars(theirs.with_for_update()):
        if appeal.state in LIVE:
            freeze(db, appeal, SYSTEM, leaver.now, ERASED)
        elif appeal.under_review:
            MACHINE.move(db, appeal, "cancelled", leaver.actor, leaver.now, detail=ERASED)
            close_task(db, "appeal", appeal.id, leaver.now)
        erase_revisions(db, appeal, leaver.actor, leaver.now)
        appeal.story = ""
        if appeal.published_at is None:
            appeal.title = ""
            db.execute(update(BudgetLine).where(BudgetLine.appeal_id == appeal.id).values(item=""))
        # They repeat words of the appeal; flags with another appeal's number stay.
        db.execute(delete(Flag).where(Flag.appeal_id == appeal.id, Flag.code.in_(OF_WORDS)))
    db.flush()
