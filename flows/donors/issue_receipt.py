"""The fund holder enters the number of a donation receipt that it has issued; the donor is notified."""

from collections.abc import Mapping
from typing import Any

from flows.engine.desk import Desk
from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.readers import Reference
from models.core.state_machine import By
from models.donors.receipt import LONGEST_NUMBER
from models.donors.receipt_desk import NoSuchReceipt, find_waiting, issue
from models.staff.member import Staff, find_staff


def admit(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``receipt``, its number in this system. Raises NoSuchReceipt."""
    find_waiting(desk.db, _staff(desk, given["receipt"]), given["receipt"])
    return {"receipt": given["receipt"]}


def review_facts(desk: Desk, draft: Draft) -> Mapping[str, Any]:
    number = draft.given["receipt"]
    pledge = find_waiting(desk.db, _staff(desk, number), number)
    return {"gift": pledge.code, "amount_fen": pledge.amount_fen}


def done(desk: Desk, draft: Draft) -> Answer:
    number = draft.given["receipt"]
    issue(desk.db, _staff(desk, number), number, draft.answers["number"], desk.world.now)
    return Answer(
        [Say("flows/donors/issue_receipt/done", None, {"number": number, "receipt": draft.answers["number"]})]
    )


def _staff(desk: Desk, number: int) -> Staff:
    """Get the fund holder who is speaking. Raises NoSuchReceipt, as they may have lost their seat since they began."""
    staff = find_staff(desk.db, desk.person.account, desk.person.openid, desk.world.now)
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
