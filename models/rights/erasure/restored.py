"""End what waits in a restored backup: since it was made, somebody may have stopped it, and nothing here knows of that.

A thief's request that its owner had stopped would be carried out. So everybody is asked to say it again.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.disbursements.payout_claim import claim_restored
from models.notifications.notify import notify
from models.people.conversation import Conversation
from models.rights.erasure.paper import LIVE as PAPER_LIVE
from models.rights.erasure.paper import PaperErasure, tell_officer, withdraw_paper_erasure
from models.rights.request import LIVE, RightsRequest, end_requests


@dataclass(frozen=True, slots=True)
class Ended:
    """How many requests and erasures on paper were ended, and of how many ``payouts`` fund holders are asked."""

    requests: int
    papers: int
    payouts: int


def end_waiting(db: Session, now: datetime) -> Ended:
    """End it all, and notify who asked. Again it finds nothing but the payouts."""
    waiting = select(RightsRequest.conversation_id, RightsRequest.id).where(RightsRequest.state.in_(LIVE))
    numbers = db.execute(waiting.order_by(RightsRequest.conversation_id, RightsRequest.id)).all()
    for conversation_id in dict.fromkeys(found.conversation_id for found in numbers):
        _end(db, conversation_id, now)
    # Who forgot the code of a shared phone waits for it to be asked no more; who has the code may have stopped that.
    waits = Conversation.code_waived_at.is_not(None)
    db.execute(update(Conversation).where(waits).values(code_waived_at=None))
    papers = db.scalars(select(PaperErasure).where(PaperErasure.state.in_(PAPER_LIVE)).order_by(PaperErasure.id)).all()
    for paper in papers:
        withdraw_paper_erasure(db, paper.user_id, now)
        tell_officer(db, paper, "restored", now)
    return Ended(len(numbers), len(papers), claim_restored(db, now))


def _end(db: Session, conversation_id: int, now: datetime) -> None:
    db.get_one(Conversation, conversation_id, with_for_update=True)
    kinds = end_requests(db, conversation_id, now)
    if kinds:
        notify(db, conversation_id, "requests_ended", {"kinds": kinds}, f"restored:{now.isoformat()}", now)
