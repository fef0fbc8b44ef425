"""Appeals written by mandate: they are read back to the owner, and undone when the owner denies them."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import LIVE, MACHINE, Appeal, BudgetLine, freeze
from models.core.state_machine import SYSTEM, Actor
from models.proxy.act import ActFacts
from models.staff.task import close_task

MOST_LINES = 5
STORY_BEGINS = 120


def read_back(db: Session, number: int) -> ActFacts:
    """Return the appeal's facts for its owner, the largest budget lines first; sums in fen."""
    appeal = db.get_one(Appeal, number)
    lines = select(BudgetLine).where(BudgetLine.appeal_id == number).order_by(BudgetLine.amount_fen.desc())
    budget = [(line.item, line.amount_fen) for line in db.scalars(lines)]
    facts = {
        "number": number,
        "title": appeal.title,
        "target_fen": appeal.target_fen,
        "minimum_fen": appeal.minimum_fen,
        "crowdfund": appeal.kind == "crowdfund",
        "story": appeal.story[:STORY_BEGINS],
        "cut": len(appeal.story) > STORY_BEGINS,
        "budget": budget[:MOST_LINES],
        "lines": len(budget),
        "deadline": appeal.deadline,
        "collect_days": appeal.collect_days,
    }
    return ActFacts(appeal.region_code, facts)


def undo(db: Session, number: int, owner: Actor, now: datetime) -> None:
    """Undo an appeal that its owner denies: cancel it under review, freeze it for the county once it takes money.

    Locks the appeal.
    """
    appeal = db.get_one(Appeal, number, with_for_update=True, populate_existing=True)
    if appeal.state in LIVE:
        freeze(db, appeal, SYSTEM, now, "denied_by_owner")
    elif appeal.under_review:
        MACHINE.move(db, appeal, "cancelled", owner, now, detail="denied_by_owner")
        close_task(db, "appeal", number, now)
    db.flush()
