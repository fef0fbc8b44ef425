"""退汇: the bank gave a transfer back, and it is held for the appeal again. Money: shown, and it waits for the word."""

from typing import Any

from flows.desk import Desk
from flows.flow import Answer, Flow, Say
from flows.pay_out import holder
from flows.session import Draft
from models.disbursement import MACHINE, NoSuchDisbursement, find_disbursement
from models.paying_out import bounced
from models.settlement import holder_of


def admit(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``use``, its number. Raises NoSuchDisbursement (also of another's bank) or WrongState."""
    staff, use = holder(desk), find_disbursement(desk.db, given["use"])
    if use.holder_id != holder_of(staff):
        raise NoSuchDisbursement(number=use.id)
    MACHINE.check(use.state, "returned", staff.actor)
    return {"use": use.id, "number": use.appeal_id, "amount_fen": use.amount_fen, "reference": use.bank_reference}


def done(desk: Desk, draft: Draft) -> Answer:
    given = admit(desk, draft.given)
    use = bounced(desk.db, holder(desk), given["use"], desk.world.now)
    if use.gifts_to is not None:
        desk.jobs.append(("follow_gifts", use.id))
    return Answer([Say("flows/bounce/done", None, given)])


bounce = Flow("bounce", steps=(), done=done, admit=admit)
