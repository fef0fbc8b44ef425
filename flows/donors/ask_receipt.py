"""票据 <code>: a donor says whom a donation receipt is made out to, for the fund holder that issues it."""

from collections.abc import Mapping
from typing import Any

from stdnum.cn import uscc

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Choice, Reference, Text
from flows.readers.base import Asking, Rejected
from models.donors.receipt import LONGEST_NAME
from models.donors.receipt_desk import ReceiptRequest, gift_for_receipt, request_receipt
from models.giving.pledge import Pledge
from models.people.user import get_user


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``gift``, the code of the donor's own gift. Raises NotRegistered or NoReceipt."""
    pledge = gift_for_receipt(turn.db, get_user(turn.db, turn.person.user_id), given["gift"])
    return {"gift": pledge.code, "pledge": pledge.id}


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    pledge = turn.db.get_one(Pledge, draft.given["pledge"])
    return {"appeal": pledge.appeal_id, "amount_fen": pledge.amount_fen}


def done(turn: TurnContext, draft: Draft) -> Answer:
    user, said = get_user(turn.db, turn.person.user_id), draft.answers
    to = "person" if said["made_out_to"] == "person" else "firm"
    wanted = ReceiptRequest(draft.id, to, said["name"], said.get("tax_number") if _is_numbered(said) else None)
    request_receipt(turn.db, user, draft.given["pledge"], wanted, turn.world.now)
    return Answer([Say("flows/donors/ask_receipt/done", None, {"gift": draft.given["gift"]})])


def _is_numbered(answers: Mapping[str, Any]) -> bool:
    return answers.get("made_out_to") == "firm"


def _check_number(value: Any, _asking: Asking) -> Rejected | None:
    """Check a unified social credit code: eighteen characters, the last a check character (GB 32100)."""
    return None if uscc.is_valid(value) else Rejected("not_a_tax_number")


ask_receipt = Flow(
    "ask_receipt",
    room="donors",
    steps=(
        Step("made_out_to", Choice("receipt_made_out_to")),
        Step("name", Text(min=2, max=LONGEST_NAME, name=True)),
        Step(
            "tax_number",
            Reference(min=18, max=18),
            when=_is_numbered,
            check=_check_number,
            codes=("not_a_tax_number",),
        ),
    ),
    done=done,
    admit=admit,
    review_facts=review_facts,
)
