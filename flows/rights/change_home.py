"""Change the home (我的资料): the new place, and who asks; what waits goes to the officer of the new village.

Who cannot prove who they are waits a day. A home changes twice a year at most.
"""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Place
from flows.rights.identity import STEP, WAIT, PlacesOrWait, check_places, take_proof
from models.people.user import get_resident
from models.rights.home_change import check_may_move, move_home
from models.rights.home_wish import KIND, ask_for_home, check_moves_left
from models.rights.identity import Unproved, check_tries_left
from models.rights.request import check_may_ask

# It begins anew, without the proof (handlers.rights.commands).
WAY = Unproved("change_home_and_wait")


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``waits``, where the person cannot prove who they are.

    Raises NotRegistered, ResidentsOnly, MovedTooOften, AskedTooOften or TooManyPlaces.
    """
    db, number, now = turn.db, turn.person.conversation_id, turn.world.now
    check_moves_left(db, get_resident(db, turn.person.user_id), now)
    check_may_ask(db, number, now, KIND)
    if not given.get("waits"):
        check_tries_left(db, number, now, WAY)
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Raises SameHome, MovesLater, WrongPlaces or TooManyPlaces."""
    if "home" in draft.answers:
        check_may_move(turn.db, get_resident(turn.db, turn.person.user_id), draft.answers["home"]["code"])
    check_places(turn, draft, WAY)


def review_facts(_turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    return {"waits": draft.answers.get(STEP) == WAIT}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises WrongPlaces, SameHome, MovesLater, MovedTooOften or AskedTooOften."""
    proved = take_proof(turn, draft)
    db, now, home = turn.db, turn.world.now, draft.answers["home"]
    user = get_resident(db, turn.person.user_id)
    if not proved:
        request = ask_for_home(db, user, turn.person.conversation_id, home["code"], now)
        turn.stoppable = request.id
        return _say({"home": home["name"], "until": request.until, "case": None, "appeals": []})
    check_moves_left(db, user, now)
    moved = move_home(db, user, home["code"], now)
    return _say({"home": home["name"], "until": None, "case": moved.case, "appeals": moved.appeals})


def _say(values: dict[str, Any]) -> Answer:
    return Answer([Say("flows/rights/change_home/done", None, values)])


change_home = Flow(
    "change_home",
    room="rights",
    steps=(Step("home", Place(level="township")), Step(STEP, PlacesOrWait())),
    done=done,
    admit=admit,
    check_answers=check_answers,
    review_facts=review_facts,
    single=True,
)
