"""放款: the fund holder enters the bank's reference of a transfer it has made, and confirms the payout."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Reference
from flows.staff.fund_holder import adding_uncovered_fees, holder
from models.disbursements.disbursement import find_disbursement
from models.disbursements.payee import Payee
from models.disbursements.payout import check_can_pay_out, pay


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``use``, the disbursement's number. Raises what models.disbursements.payout.check_can_pay_out does."""
    with adding_uncovered_fees(turn):
        use, appeal, _ = check_can_pay_out(turn.db, holder(turn), given["use"], turn.world.now)
    return {"use": use.id, "number": appeal.id, "title": appeal.title, "amount_fen": use.amount_fen}


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """Give the payee's name and account, and whether the payout still waits."""
    use = find_disbursement(turn.db, draft.given["use"])
    payee = turn.db.get_one(Payee, use.payee_id)
    return {"name": payee.name, "account": payee.account, "waits": use.state == "authorised"}


def done(turn: TurnContext, draft: Draft) -> Answer:
    staff, number = holder(turn), draft.given["use"]
    with adding_uncovered_fees(turn):
        use, more = pay(turn.db, staff, number, draft.answers["reference"], turn.world.now)
    if more:
        turn.jobs.append(("follow_gifts", use.id))
    facts = {"use": use.id, "number": draft.given["number"], "amount_fen": use.amount_fen, "due": use.receipts_due}
    return Answer([Say("flows/disbursements/pay_out/done", None, facts)])


pay_out = Flow(
    "pay_out",
    room="disbursements",
    steps=(Step("reference", Reference(min=4, max=40)),),
    done=done,
    admit=admit,
    review_facts=review_facts,
)
