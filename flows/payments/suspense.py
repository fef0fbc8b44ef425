"""The fund holder confirms that a suspense item is refunded, was refunded by hand, or is assigned to its pledge."""

from collections.abc import Mapping
from typing import Any

from flows.engine.desk import Desk
from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.readers import Reference
from flows.staff.fund_holder import holder
from models.core.refusal import Refusal
from models.payments import suspense_desk


def admit(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``suspense_item``, its number; ``how``: assign, by_hand or give_back. Raises NoSuchSuspenseItem."""
    file = suspense_desk.find_suspense_item(desk.db, holder(desk), given["suspense_item"], desk.world.now)
    facts = {"number": file.appeal, "title": file.title, "gift": file.gift, "wanted_fen": file.wanted_fen}
    return {**given, **facts, "amount_fen": file.item.amount_fen, "transaction": file.item.transaction_id}


def review_facts(desk: Desk, draft: Draft) -> Mapping[str, Any]:
    """Tell whether the item is still open and can still be settled in this way (``waits``)."""
    try:
        file = suspense_desk.find_suspense_item(desk.db, holder(desk), draft.given["suspense_item"], desk.world.now)
    except Refusal:
        return {"waits": False}
    return {"waits": file.may_assign or draft.given["how"] != "assign"}


def done(desk: Desk, draft: Draft) -> Answer:
    """Raises what models.payments.suspense_desk does."""
    staff, number, now = holder(desk), draft.given["suspense_item"], desk.world.now
    match draft.given["how"]:
        case "assign":
            suspense_desk.assign_item(desk.db, staff, number, now)
        case "by_hand":
            suspense_desk.record_refund_by_hand(desk.db, staff, number, draft.answers["reference"], now)
        case _:
            refund = suspense_desk.refund_item(desk.db, staff, number, now)
            desk.jobs.append(("ask_refund", refund.id))
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
