"""退汇: the fund holder confirms that the bank returned a payout, which the appeal then holds again."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.staff.fund_holder import holder
from models.payments.payout_return import check_return, enter_return


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``use``, the disbursement's number. Raises what models.payments.payout_return.check_return does."""
    use = check_return(turn.db, holder(turn), given["use"])
    return {"use": use.id, "number": use.appeal_id, "amount_fen": use.amount_fen, "reference": use.bank_reference}


def done(turn: TurnContext, draft: Draft) -> Answer:
    given = admit(turn, draft.given)
    use, more = enter_return(turn.db, holder(turn), given["use"], turn.world.now)
    if more:
        turn.jobs.append(("follow_gifts", use.id))
    return Answer([Say("flows/payments/payout_return/done", None, given)])


payout_return = Flow("payout_return", room="payments", steps=(), done=done, admit=admit)
