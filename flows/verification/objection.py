"""异议: a person objects to a household on public notice; only the township reads it."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Text
from models.verification.case import Verification, lock_case
from models.verification.objection import NoSuchNotice, check_may_object, record_objection
from models.verification.public_notice import find_notice


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Admit everyone, registered or not. ``given``: ``case``, its number.

    Raises NoSuchNotice, OwnNotice or ObjectionAlreadyDecided.
    """
    number = given["case"]
    if find_notice(turn.db, number, turn.world.now) is None:
        raise NoSuchNotice(number=number)
    case = turn.db.get_one(Verification, number)
    check_may_object(turn.db, case, turn.person.conversation_id, turn.world.now)
    return {"case": number}


def done(turn: TurnContext, draft: Draft) -> Answer:
    case = lock_case(turn.db, draft.given["case"])
    words, person = draft.answers["reason"], turn.person.conversation_id
    record_objection(turn.db, case, person, words, draft.id, turn.world.now)
    return Answer([Say("flows/verification/raise_objection/done", None, {"number": case.id})])


raise_objection = Flow(
    "raise_objection", room="verification", steps=(Step("reason", Text(min=10, max=300)),), done=done, admit=admit
)
