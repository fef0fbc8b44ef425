"""剩下的钱不用了: an owner sees how much of the appeal's money is left, and confirms that it is refunded."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from models.appeals.correction import own_appeal
from models.core.refusal import Refusal
from models.core.state_machine import Actor
from models.disbursements.surplus import check_surplus, refund_surplus
from models.people.user import get_resident


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``appeal``, its number. Raises what ``done`` would, before it is shown for confirmation."""
    appeal = own_appeal(turn.db, get_resident(turn.db, turn.person.user_id), given["appeal"])
    check_surplus(turn.db, appeal)
    return {"appeal": appeal.id, "title": appeal.title}


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """Give the fen that would be refunded now; 0 where nothing can be refunded any more."""
    try:
        appeal = own_appeal(turn.db, get_resident(turn.db, turn.person.user_id), draft.given["appeal"])
        return {"fen": check_surplus(turn.db, appeal)}
    except Refusal:
        return {"fen": 0}


def done(turn: TurnContext, draft: Draft) -> Answer:
    user = get_resident(turn.db, turn.person.user_id)
    appeal = own_appeal(turn.db, user, draft.given["appeal"], lock=True)
    actor = Actor.owner(user.id)
    fen = refund_surplus(turn.db, appeal, actor, turn.world.now)
    return Answer([Say("flows/disbursements/surplus/done", None, {"fen": fen, "number": appeal.id})])


surplus = Flow("surplus", room="disbursements", steps=(), done=done, admit=admit, review_facts=review_facts)
