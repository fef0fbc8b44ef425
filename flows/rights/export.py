"""导出: a person proves who they are by the last places of their ID number, or waits, and gets the link."""

from datetime import timedelta
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.rights.identity import STEP, PlacesOrWait, check_places, take_proof
from models.rights.identity import Unproved, check_tries_left
from models.rights.request import WAITS, RightsRequest, ask_for_export, check_may_ask

# It goes on without the proof (handlers.rights.commands).
WAY = Unproved("wait_for_export")


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Raises AskedTooOften or TooManyPlaces."""
    check_may_ask(turn.db, turn.person.conversation_id, turn.world.now)
    check_tries_left(turn.db, turn.person.conversation_id, turn.world.now, WAY)
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    check_places(turn, draft, WAY)


def done(turn: TurnContext, draft: Draft) -> Answer:
    proved = take_proof(turn, draft)
    return tell(turn, ask_for_export(turn.db, turn.person.conversation_id, turn.world.now, proved=proved))


def tell(turn: TurnContext, request: RightsRequest, *, unknown: bool = False) -> Answer:
    """Say where the data can be opened, or how long to wait; ``unknown``: there is no ID number to prove it by."""
    waits = request.state == "waiting"
    if waits:
        turn.stoppable = request.id
    values = {
        "waits": waits,
        "unknown": unknown,
        "until": request.until,
        "hours": WAITS // timedelta(hours=1),
        "link": "" if waits else turn.world.link("export", f"export:{request.id}"),
    }
    return Answer([Say("flows/rights/export_data/done", None, values)])


export_data = Flow(
    "export_data",
    room="rights",
    steps=(Step(STEP, PlacesOrWait()),),
    done=done,
    admit=admit,
    check_answers=check_answers,
    single=True,
)
