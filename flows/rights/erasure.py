"""注销: a person proves who they are or waits longer, sees what ends and what stays, and types 确认注销 in full."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.rights.identity import STEP, WAIT, PlacesOrWait, check_places, take_proof
from models.rights.erasure.request import COOLS, KIND, ask_for_erasure, check_may_erase
from models.rights.erasure.standing import show_standing
from models.rights.identity import Unproved, check_tries_left
from models.rights.request import WAITS, check_may_ask

# It begins anew, without the proof (handlers.rights.commands).
WAY = Unproved("wait_to_be_erased", changes=True)


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``waits``: the person is not asked for the places. Raises CannotErase, AskedTooOften or TooManyPlaces."""
    db, number, now = turn.db, turn.person.conversation_id, turn.world.now
    check_may_erase(db, number, turn.person.user_id)
    check_may_ask(db, number, now, KIND)
    if not given.get("waits"):
        check_tries_left(db, number, now, WAY)
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    check_places(turn, draft, WAY)


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """What ends and what stays, as it is now, and after how many days."""
    standing = show_standing(turn.db, turn.person.conversation_id, turn.person.user_id)
    lasts = COOLS + WAITS if draft.answers.get(STEP) == WAIT else COOLS
    return {**standing.facts, "days": lasts.days}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Begin the seven days. Raises WrongPlaces, CannotErase or AskedTooOften."""
    proved = take_proof(turn, draft)
    request = ask_for_erasure(turn.db, turn.person.conversation_id, turn.world.now, proved=proved)
    turn.stoppable = request.id
    return Answer([Say("flows/rights/erase_data/done", None, {"until": request.until})])


erase_data = Flow(
    "erase_data",
    room="rights",
    steps=(Step(STEP, PlacesOrWait(cannot="cannot_say_yet")),),
    done=done,
    admit=admit,
    check_answers=check_answers,
    review_facts=review_facts,
    single=True,
    confirm="confirm_erasure",
)
