"""The fund holder confirms that a suspense item is refunded, was refunded by hand, or is assigned to its pledge."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Reference
from flows.staff.fund_holder import holder
from models.core.refusal import Refusal
from models.payments import suspense_desk


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``suspense_item``, its number; ``how``: assign, by_hand or give_back. Raises NoSuchSuspenseItem."""
    file = suspense_desk.find_suspense_item(turn.db, holder(turn), given["suspense_item"], turn.world.now)
    facts = {"number": file.appeal, "title": file.title, "gift": file.gift, "wanted_fen": file.wanted_fen}
    return {**given, **facts, "amount_fen": file.item.amount_fen, "transaction": file.item.transaction_id}


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """Tell whether the item is still open and can still be settled in this way (``waits``)."""
    try:
        file = suspense_desk.find_suspense_item(turn.db, holder(turn), draft.given["suspense_item"], turn.world.now)
    except Refusal:
        return {"waits": False}
    return {"waits": file.may_assign or draft.given["how"] != "assign"}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises what models.payments.suspense_desk does."""
    staff, number, now = holder(turn), draft.given["suspense_item"], turn.world.now
    match draft.given["how"]:
        case "assign":
            suspense_desk.assign_item(turn.db, staff, number, now)
        case "by_hand":
            suspense_desk.record_refund_by_hand(turn.db, staff, number, draft.answers["reference"], now)
        case _:
            refund = suspense_desk.refund_item(turn.db, staff, number, now)
            turn.jobs.append(("ask_refund", refund.id))
    return Answer([Say(f"flows/payments/{draft.flow}/done", None, dict(draft.given))])


settle_suspense = Flow("settle_suspense", room="payments", steps=(), done=done, admit=admit, review_facts=review_facts)
suspense_by_hand = Flow(
    "suspense_by_hand",
    room="payments",
    steps=(Step("reference", Reference(min=6, max=64)),),
    done=done,
    admit=admit,
    review_facts=review_facts,
)
