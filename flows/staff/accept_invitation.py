"""Accept an invitation (授权 <code>): the invited person gives their ID number, so that no one holds two seats."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import IdNumber
from models.staff.appointment import MOST_TRIES, check_holds_no_seat, redeem, try_own_number
from models.staff.directory import seat_of


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``code``, and the ``role`` and ``place`` that it is for. Raises HoldsARole."""
    check_holds_no_seat(turn.db, turn.person.conversation_id)
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Check the ID number at once, and count it: a refusal at the end would roll the count back."""
    said = draft.answers.get("id_number")
    if said is None or draft.given.get("tried") == said:
        return
    draft.given.pop("tried", None)
    try_own_number(turn.db, turn.person.conversation_id, said, turn.world.now)
    draft.given["tried"] = said


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Redeem the code; one that has expired or been redeemed meanwhile is answered like a wrong one."""
    code, number = draft.given["code"], draft.answers["id_number"]
    staff = redeem(turn.db, turn.person.conversation_id, code, number, turn.world.now)
    if staff is None:
        return Answer([Say("replies/staff/wrong_code", None, {"most": MOST_TRIES})])
    values = {"role": staff.role, "place": seat_of(turn.db, staff), "work_no": staff.work_no}
    return Answer([Say("flows/staff/accept_invitation/done", None, values)])


accept_invitation = Flow(
    "accept_invitation",
    room="staff",
    steps=(Step("id_number", IdNumber()),),
    done=done,
    admit=admit,
    check_answers=check_answers,
)
