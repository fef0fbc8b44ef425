"""用钱: an owner requests a disbursement of the appeal's money, with its amount and pictures as evidence."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Money, Photo
from models.appeals.correction import own_appeal
from models.disbursements.approval import NewDisbursement, request
from models.disbursements.budget import check_amount, check_spendable, line_of
from models.disbursements.disbursement import taken_of_line
from models.disbursements.payee import get_payee
from models.people.user import get_resident
from models.staff.task_steps import STEPS

SMALLEST = 100


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``appeal``, ``line`` and ``payee``, their numbers.

    Raises NotRegistered, ResidentsOnly, NoSuchAppeal, NotYourAppeal, NotSpendable, NoSuchLine or NoSuchPayee.
    """
    appeal = own_appeal(turn.db, get_resident(turn.db, turn.person.user_id), given["appeal"])
    check_spendable(turn.db, appeal)
    line, payee = line_of(turn.db, appeal.id, given["line"]), get_payee(turn.db, appeal.id, given["payee"])
    known = {"title": appeal.title, "item": line.item, "line_fen": line.amount_fen}
    known["left_fen"] = line.amount_fen - taken_of_line(turn.db, line.id)
    return {**given, **known, "payee_name": payee.name, "tail": payee.account_tail}


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Raise OverLine or OverHeld before pictures are asked for."""
    if "amount" in draft.answers:
        check_amount(turn.db, line_of(turn.db, draft.given["appeal"], draft.given["line"]), draft.answers["amount"])


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """Give the time from which the payee can be paid."""
    payee = get_payee(turn.db, draft.given["appeal"], draft.given["payee"])
    return {"from": payee.payable_from, "waits": payee.payable_from > turn.world.now}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises what ``admit`` does, OverLine or OverHeld."""
    user, answers = get_resident(turn.db, turn.person.user_id), draft.answers
    appeal = own_appeal(turn.db, user, draft.given["appeal"], lock=True)
    line = line_of(turn.db, appeal.id, draft.given["line"])
    payee = get_payee(turn.db, appeal.id, draft.given["payee"])
    new = NewDisbursement(draft.id, answers["amount"], answers["photos"], turn.person.conversation_id)
    use, owed = request(turn.db, appeal, line, payee, user, new, turn.world.now)
    turn.jobs += [("fetch_photo", photo) for photo in owed]
    facts = {"use": use.id, "amount_fen": use.amount_fen, "days": STEPS["use_endorse"][1]}
    return Answer([Say("flows/disbursements/request_disbursement/done", None, {"number": appeal.id, **facts})])


request_disbursement = Flow(
    "request_disbursement",
    room="disbursements",
    steps=(
        Step("amount", Money(min=SMALLEST)),
        Step("photos", Photo(max=9, min=1)),
    ),
    done=done,
    admit=admit,
    check_answers=check_answers,
    review_facts=review_facts,
)
