"""The fund holder enters the number of a donation receipt that it has issued; the donor is notified."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Reference
from models.core.state_machine import By
from models.donors.receipt import LONGEST_NUMBER
from models.donors.receipt_desk import NoSuchReceipt, find_waiting, issue
from models.staff.member import Staff, find_staff


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``receipt``, its number in this system. Raises NoSuchReceipt."""
    find_waiting(turn.db, _staff(turn, given["receipt"]), given["receipt"])
    return {"receipt": given["receipt"]}


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    number = draft.given["receipt"]
    pledge = find_waiting(turn.db, _staff(turn, number), number)
    return {"gift": pledge.code, "amount_fen": pledge.amount_fen}


def done(turn: TurnContext, draft: Draft) -> Answer:
    number = draft.given["receipt"]
    issue(turn.db, _staff(turn, number), number, draft.answers["number"], turn.world.now)
    return Answer(
        [Say("flows/donors/issue_receipt/done", None, {"number": number, "receipt": draft.answers["number"]})]
    )


def _staff(turn: TurnContext, number: int) -> Staff:
    """Get the fund holder who is speaking. Raises NoSuchReceipt, as they may have lost their seat since they began."""
    staff = find_staff(turn.db, turn.person.account, turn.person.openid, turn.world.now)
    if staff is None or staff.role != By.FUND_HOLDER:
        raise NoSuchReceipt(number=number)
    return staff


issue_receipt = Flow(
    "issue_receipt",
    room="donors",
    steps=(Step("number", Reference(min=4, max=LONGEST_NUMBER)),),
    done=done,
    admit=admit,
    review_facts=review_facts,
)
