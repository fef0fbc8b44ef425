"""补照片, 交发票: an owner sends pictures for a disbursement: evidence before it is paid, or receipts after it."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.readers import Photo
from models.appeals.correction import own_appeal
from models.core.state_machine import WrongState
from models.disbursements.acquittal import hand_in_receipts
from models.disbursements.approval import hand_in
from models.disbursements.disbursement import UNACQUITTED, Disbursement, NoSuchDisbursement, find_disbursement
from models.people.user import get_resident


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``use``, the disbursement's number.

    Raises NotRegistered, ResidentsOnly, NoSuchDisbursement or WrongState.
    """
    use = _own(turn, given["use"])
    if use.state != "requested" and use.state not in UNACQUITTED:
        raise WrongState(subject="disbursement", state=use.state, wanted="evidence")
    return {"use": use.id, "number": use.appeal_id, "amount_fen": use.amount_fen, "receipts": use.state in UNACQUITTED}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises what ``admit`` does, NotSpendable, OverLine or OverHeld."""
    db, now, person = turn.db, turn.world.now, turn.person.conversation_id
    use, pictures = _own(turn, draft.given["use"]), draft.answers["photos"]
    if draft.given["receipts"]:
        owed = hand_in_receipts(db, use.id, pictures, person, now)
    else:
        appeal = own_appeal(db, get_resident(db, turn.person.user_id), use.appeal_id, lock=True)
        owed = hand_in(db, find_disbursement(db, use.id), appeal, pictures, person, now)
    turn.jobs += [("fetch_photo", photo) for photo in owed]
    # The receipts are read once the owner has said whether the money came (models.disbursements.acquittal).
    asks = draft.given["receipts"] and use.state == "paid"
    options = [Option(1, "", ["command", "received", use.code])] if asks else []
    facts = {"use": use.id, "receipts": draft.given["receipts"], "asks": asks}
    return Answer([Say("flows/disbursements/disbursement_evidence/done", None, facts)], options)


def _own(turn: TurnContext, number: int) -> Disbursement:
    """Get the person's own disbursement. Raises NoSuchDisbursement, also for another person's."""
    use = find_disbursement(turn.db, number)
    user = get_resident(turn.db, turn.person.user_id)
    if use.requested_by != user.id:
        raise NoSuchDisbursement(number=number)
    return use


disbursement_evidence = Flow(
    "disbursement_evidence", room="disbursements", steps=(Step("photos", Photo(max=9, min=1)),), done=done, admit=admit
)
