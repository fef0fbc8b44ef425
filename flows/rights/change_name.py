"""Correct the name (我的资料): the person says it, and the village's officer looks at the identity card."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import PersonName
from models.people.user import get_resident
from models.rights.name_change import DAYS, ask_for_name, check_may_ask_for_name, check_other_name


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Raises NotRegistered, ResidentsOnly or AskedTooOften."""
    check_may_ask_for_name(turn.db, get_resident(turn.db, turn.person.user_id), turn.world.now)
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Raises SameName."""
    if "name" in draft.answers:
        check_other_name(get_resident(turn.db, turn.person.user_id), draft.answers["name"])


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises SameName or AskedTooOften."""
    user = get_resident(turn.db, turn.person.user_id)
    ask_for_name(turn.db, user, draft.id, draft.answers["name"], turn.world.now)
    return Answer([Say("flows/rights/change_name/done", None, {"days": DAYS})])


change_name = Flow(
    "change_name",
    room="rights",
    steps=(Step("name", PersonName()),),
    done=done,
    admit=admit,
    check_answers=check_answers,
    single=True,
)
