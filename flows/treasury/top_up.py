"""充值: the fund holder has put money of its bank's with the payment channel, so that refunds can be paid."""

from typing import Any

from flows.disbursements.pay_out import holder
from flows.engine.desk import Desk
from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.readers import Money, Reference
from models.payments.refund_desk import stuck_ones
from models.treasury.top_up import top_up as enter


def admit(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    """Raises NotOnTheStaff."""
    holder(desk)
    return given


def done(desk: Desk, draft: Draft) -> Answer:
    """Raises ReferenceUsed or BankShort."""
    staff, answers = holder(desk), draft.answers
    entered = enter(desk.db, staff, draft.id, answers["amount"], answers["reference"], desk.world.now)
    stuck = bool(stuck_ones(desk.db, staff, 1))
    return Answer([Say("flows/treasury/top_up/done", None, {"amount_fen": entered.amount_fen, "stuck": stuck})])


top_up = Flow(
    "top_up",
    room="treasury",
    steps=(Step("amount", Money()), Step("reference", Reference(min=4, max=40))),
    done=done,
    admit=admit,
)
