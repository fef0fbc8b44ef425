"""Notifications about gifts: to the owner and the donor, and to all donors when the target is reached."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.giving.matching import SponsorMatch
from models.giving.pledge import Pledge, Raised, raised
from models.notifications.broadcast import notify_backers
from models.notifications.notify import notify, notify_user
from models.people.conversation import Conversation

# Percent of the target; if one gift passes both, only the first here is told.
MILESTONES = (100, 50)


def funding_progress(db: Session, appeal: Appeal) -> dict[str, int]:
    """Return what the appeal has in fen, the number of gifts and the target, for templates."""
    return {**raised(db, [appeal.id])[appeal.id].facts, "target_fen": appeal.target_fen}


def notify_of_gift(
    db: Session,
    appeal: Appeal,
    pledge: Pledge,
    name: str | None,
    now: datetime,
    added: Sequence[SponsorMatch] = (),
    has: Raised | None = None,
) -> dict[str, int]:
    """Notify the owner of a gift, and of a milestone once. Returns the progress (``funding_progress``).

    ``name``: the donor's, None if anonymous. ``added``: by pools, to this gift. ``has``: what the appeal has with both,
    where the caller knows. The caller holds ``appeal``, so that of two gifts at once the second counts the first.
    """
    reached = {**has.facts, "target_fen": appeal.target_fen} if has else funding_progress(db, appeal)
    owner = db.scalar(select(Conversation.id).where(Conversation.user_id == appeal.owner_id))
    known = {"number": appeal.id, "title": appeal.title, **reached}
    if owner:
        gift = {**known, "new_gifts": 1, "amount_fen": pledge.amount_fen, "name": name}
        gift["matched_fen"] = sum(each.fen for each in added)
        gift["paid"] = pledge.state != "intended"
        notify(db, owner, "pledged", gift, f"pledged:{pledge.id}", now, ("appeal", appeal.id))
    came = pledge.amount_fen + sum(each.fen for each in added)
    percent = _passed(reached["raised_fen"], came, appeal.target_fen)
    if percent:
        _notify_milestone(db, appeal, owner, percent, known, now)
    return reached


def notify_of_payment(
    db: Session, appeal: Appeal, pledge: Pledge, kind: str, now: datetime, added: Sequence[SponsorMatch] = ()
) -> None:
    """Notify the donor: ``payment_received``, with what pools ``added``, or ``payment_late`` if it is refunded."""
    facts = {"number": appeal.id, "title": appeal.title, "amount_fen": pledge.amount_fen, "code": pledge.code}
    if kind == "payment_late":
        facts["fallback"] = pledge.fallback
    else:
        facts["matches"] = match_facts(added)
    notify_user(db, pledge.donor_id, kind, facts, f"{kind}:{pledge.id}", now, ("appeal", appeal.id))


def match_facts(added: Sequence[SponsorMatch]) -> list[list[Any]]:
    """Turn additions into the (sponsor, fen) pairs that notifications store."""
    return [[each.sponsor, each.fen] for each in added]


def _passed(fen: int, amount_fen: int, target_fen: int) -> int | None:
    """Return the milestone (percent) that this gift passed; None if it passed none."""
    before = fen - amount_fen
    passed = (each for each in MILESTONES if before * 100 < each * target_fen <= fen * 100)
    return next(passed, None)


def _notify_milestone(
    db: Session, appeal: Appeal, owner: int | None, percent: int, known: dict[str, Any], now: datetime
) -> None:
    about = ("appeal", appeal.id)
    if owner:
        notify(db, owner, "milestone", {**known, "percent": percent}, f"milestone:{appeal.id}:{percent}", now, about)
    if percent == 100:
        del known["number"], known["title"]
        notify_backers(db, "appeal_funded", appeal.id, appeal.title, f"appeal_funded:{appeal.id}", now, **known)
