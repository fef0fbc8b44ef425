"""放款: the fund holder claims a payout, transfers it at its bank, enters the bank's reference and confirms."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Reference
from flows.staff.fund_holder import adding_uncovered_fees, holder
from models.appeals.appeal import Appeal
from models.disbursements.disbursement import TRANSFERRING, find_disbursement
from models.disbursements.payee import Payee
from models.disbursements.payout import pay
from models.disbursements.payout_claim import claim_payout, what_stops


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``use``, the disbursement's number. Raises what models.disbursements.payout_claim.claim_payout does.

    What the first question tells them to transfer is claimed with that question.
    """
    with adding_uncovered_fees(turn):
        use, appeal = claim_payout(turn.db, holder(turn), given["use"], turn.world.now)
    return {"use": use.id, "number": appeal.id, "title": appeal.title, "amount_fen": use.amount_fen}


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """Give the payee's name and account, whether the payout still waits, and what has stopped payouts meanwhile."""
    use = find_disbursement(turn.db, draft.given["use"])
    payee = turn.db.get_one(Payee, use.payee_id)
    stops = what_stops(turn.db, turn.db.get_one(Appeal, use.appeal_id), turn.world.now)
    waits = use.state in ("authorised", TRANSFERRING)
    return {"name": payee.name, "account": payee.account, "waits": waits, "stops": stops}


def done(turn: TurnContext, draft: Draft) -> Answer:
    staff, number = holder(turn), draft.given["use"]
    with adding_uncovered_fees(turn):
        use, more = pay(turn.db, staff, number, draft.answers["reference"], turn.world.now)
    if more:
        turn.jobs.append(("follow_gifts", use.id))
    facts = {"use": use.id, "number": draft.given["number"], "amount_fen": use.amount_fen, "due": use.receipts_due}
    facts["despite"] = use.paid_despite
    return Answer([Say("flows/disbursements/pay_out/done", None, facts)])


pay_out = Flow(
    "pay_out",
    room="disbursements",
    steps=(Step("reference", Reference(min=4, max=40)),),
    done=done,
    admit=admit,
    review_facts=review_facts,
)
