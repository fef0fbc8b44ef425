"""The fund holder states why a stuck refund was paid by hand on the platform's page, and confirms it."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Choice
from flows.staff.fund_holder import holder
from models.core.refusal import Refusal
from models.payments.refund_desk import find_stuck_refund, mark_paid_by_hand


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``refund``, its number. Raises NoSuchRefund."""
    stuck = find_stuck_refund(turn.db, holder(turn), given["refund"])
    return {"refund": stuck.refund.id, "number": stuck.refund.appeal_id, "title": stuck.title, "gift": stuck.gift}


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """Give the refund's ``fen``; 0 where it is no longer stuck."""
    try:
        return {"fen": find_stuck_refund(turn.db, holder(turn), draft.given["refund"]).refund.amount_fen}
    except Refusal:
        return {"fen": 0}


def done(turn: TurnContext, draft: Draft) -> Answer:
    refund = mark_paid_by_hand(turn.db, holder(turn), draft.given["refund"], draft.answers["why"], turn.world.now)
    return Answer([Say("flows/payments/refund_by_hand/done", None, {"fen": refund.amount_fen, **draft.given})])


refund_by_hand = Flow(
    "refund_by_hand",
    room="payments",
    steps=(Step("why", Choice("refund_by_hand")),),
    done=done,
    admit=admit,
    review_facts=review_facts,
)
