"""Change the home (我的资料): the new place; what waits for the village goes to the new village's officer."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Place
from models.people.user import get_resident
from models.rights.home_change import check_may_move, move_home


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Raises NotRegistered or ResidentsOnly."""
    get_resident(turn.db, turn.person.user_id)
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Raises SameHome or MovesLater."""
    if "home" in draft.answers:
        check_may_move(turn.db, get_resident(turn.db, turn.person.user_id), draft.answers["home"]["code"])


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises SameHome or MovesLater."""
    home = draft.answers["home"]
    moved = move_home(turn.db, get_resident(turn.db, turn.person.user_id), home["code"], turn.world.now)
    values = {"home": home["name"], "case": moved.case, "appeals": moved.appeals}
    return Answer([Say("flows/rights/change_home/done", None, values)])


change_home = Flow(
    "change_home",
    room="rights",
    steps=(Step("home", Place(level="township")),),
    done=done,
    admit=admit,
    check_answers=check_answers,
    single=True,
)
