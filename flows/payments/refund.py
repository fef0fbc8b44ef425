"""退款: a donor sees how much of a gift is left, and confirms that it is refunded."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from models.appeals.appeal import get_appeal
from models.core.refusal import Refusal
from models.payments.refund_entitlement import find_refundable, request_refund
from models.people.user import get_user


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``gift``, its code. Raises what ``done`` would, before it is shown for confirmation."""
    donor = get_user(turn.db, turn.person.user_id)
    found = find_refundable(turn.db, donor, given["gift"], turn.world.now)
    appeal = get_appeal(turn.db, found.pledge.appeal_id)
    return {"gift": found.pledge.code, "number": appeal.id, "title": appeal.title}


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """Give the ``fen`` that would be refunded now, 0 where nothing can be, and the ``spent_fen``."""
    try:
        donor = get_user(turn.db, turn.person.user_id)
        found = find_refundable(turn.db, donor, draft.given["gift"], turn.world.now)
    except Refusal:
        return {"fen": 0, "spent_fen": 0}
    return {"fen": found.fen, "spent_fen": found.spent_fen}


def done(turn: TurnContext, draft: Draft) -> Answer:
    donor = get_user(turn.db, turn.person.user_id)
    refund = request_refund(turn.db, donor, draft.given["gift"], turn.world.now)
    turn.jobs.append(("ask_refund", refund.id))
    return Answer([Say("flows/payments/refund/done", None, {"fen": refund.amount_fen, **draft.given})])


refund = Flow("refund", room="payments", steps=(), done=done, admit=admit, review_facts=review_facts)
