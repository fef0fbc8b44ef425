"""退款: a donor sees how much of a gift is left, and confirms that it is refunded."""

from collections.abc import Mapping
from typing import Any

from flows.engine.desk import Desk
from flows.engine.flow import Answer, Flow, Say
from flows.engine.session import Draft
from models.appeals.appeal import get_appeal
from models.core.refusal import Refusal
from models.payments.refund_entitlement import ask_back, what_comes_back
from models.people.user import get_user


def admit(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``gift``, its code. Raises what ``done`` would, before it is shown for confirmation."""
    donor = get_user(desk.db, desk.person.user_id)
    found = what_comes_back(desk.db, donor, given["gift"], desk.world.now)
    appeal = get_appeal(desk.db, found.pledge.appeal_id)
    return {"gift": found.pledge.code, "number": appeal.id, "title": appeal.title}


def review_facts(desk: Desk, draft: Draft) -> Mapping[str, Any]:
    """Give the ``fen`` that would be refunded now, 0 where nothing can be, and the ``spent_fen``."""
    try:
        donor = get_user(desk.db, desk.person.user_id)
        found = what_comes_back(desk.db, donor, draft.given["gift"], desk.world.now)
    except Refusal:
        return {"fen": 0, "spent_fen": 0}
    return {"fen": found.fen, "spent_fen": found.spent_fen}


def done(desk: Desk, draft: Draft) -> Answer:
    donor = get_user(desk.db, desk.person.user_id)
    refund = ask_back(desk.db, donor, draft.given["gift"], desk.world.now)
    desk.jobs.append(("ask_refund", refund.id))
    return Answer([Say("flows/payments/refund/done", None, {"fen": refund.amount_fen, **draft.given})])


refund = Flow("refund", room="payments", steps=(), done=done, admit=admit, review_facts=review_facts)
