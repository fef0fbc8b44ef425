"""用钱: an owner requests a disbursement of the appeal's money, with its amount and pictures as evidence."""

from collections.abc import Mapping
from typing import Any

from flows.engine.desk import Desk
from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.readers import Money, Photo
from models.appeals.correction import own_appeal
from models.disbursements.approval import NewDisbursement, request
from models.disbursements.budget import check_amount, check_spendable, line_of
from models.disbursements.disbursement import taken_of_line
from models.disbursements.payee import get_payee
from models.people.user import get_resident
from models.staff.task_steps import STEPS

SMALLEST = 100


def admit(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``appeal``, ``line`` and ``payee``, their numbers.

    Raises NotRegistered, ResidentsOnly, NoSuchAppeal, NotYourAppeal, NotSpendable, NoSuchLine or NoSuchPayee.
    """
    appeal = own_appeal(desk.db, get_resident(desk.db, desk.person.user_id), given["appeal"])
    check_spendable(desk.db, appeal)
    line, payee = line_of(desk.db, appeal.id, given["line"]), get_payee(desk.db, appeal.id, given["payee"])
    known = {"title": appeal.title, "item": line.item, "line_fen": line.amount_fen}
    known["left_fen"] = line.amount_fen - taken_of_line(desk.db, line.id)
    return {**given, **known, "payee_name": payee.name, "tail": payee.account_tail}


def check_answers(desk: Desk, draft: Draft) -> None:
    """Raise OverLine or OverHeld before pictures are asked for."""
    if "amount" in draft.answers:
        check_amount(desk.db, line_of(desk.db, draft.given["appeal"], draft.given["line"]), draft.answers["amount"])


def review_facts(desk: Desk, draft: Draft) -> Mapping[str, Any]:
    """Give the time from which the payee can be paid."""
    payee = get_payee(desk.db, draft.given["appeal"], draft.given["payee"])
    return {"from": payee.payable_from, "waits": payee.payable_from > desk.world.now}


def done(desk: Desk, draft: Draft) -> Answer:
    """Raises what ``admit`` does, OverLine or OverHeld."""
    user, answers = get_resident(desk.db, desk.person.user_id), draft.answers
    appeal = own_appeal(desk.db, user, draft.given["appeal"], lock=True)
    line = line_of(desk.db, appeal.id, draft.given["line"])
    payee = get_payee(desk.db, appeal.id, draft.given["payee"])
    new = NewDisbursement(draft.id, answers["amount"], answers["photos"], desk.person.conversation_id)
    use, owed = request(desk.db, appeal, line, payee, user, new, desk.world.now)
    desk.jobs += [("fetch_photo", photo) for photo in owed]
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
