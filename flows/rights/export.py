"""导出: a person proves who they are by the last places of their ID number, or waits, and gets the link."""

from datetime import timedelta
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.engine.world import World
from flows.proxy.common import Figures
from flows.readers import Choice
from flows.readers.base import Accepted, Asking, Reading, Rejected
from models.people.user import User
from models.rights.identity import PLACES, WrongPlaces, check_tries_left, prove_places
from models.rights.request import WAITS, RightsRequest, ask_for_export, check_may_ask

# The command that goes on without the proof (handlers.rights.commands).
WAY = "wait_for_export"
# A right answer proves who has the phone in the hand now, not tomorrow.
_PROOF_LASTS = timedelta(minutes=15)
_CANNOT = Choice("cannot_say")
_WAIT = "wait"


class PlacesOrWait(Figures):
    """Value: the last places of an ID number, or ``wait`` where the person cannot say them: a numbered line, or words.

    Codes: those of Figures.
    """

    def read_words(self, text: str, asking: Asking) -> Reading:
        return Accepted(_WAIT) if self.exact(text, asking) else super().read_words(text, asking)

    def exact(self, text: str, asking: Asking) -> str | None:
        return _CANNOT.exact(text, asking)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        return None if value == _WAIT else super().check(value, asking)

    def shown(self, value: Any, world: World) -> Any:
        return _CANNOT.shown(value, world) if value == _WAIT else super().shown(value, world)

    def facts(self, asking: Asking) -> dict[str, Any]:
        return {**super().facts(asking), **_CANNOT.facts(asking), "hours": WAITS // timedelta(hours=1)}


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Raises AskedTooOften or TooManyPlaces."""
    check_may_ask(turn.db, turn.person.conversation_id, turn.world.now)
    check_tries_left(turn.db, turn.person.conversation_id, turn.world.now, WAY)
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Check the last places as soon as they are answered; a wrong try counts even if the conversation is dropped."""
    said = draft.answers.get("last_places")
    if said in (None, _WAIT) or (draft.given.get("right") == said and _is_fresh(turn, draft)):
        return
    draft.given.pop("right", None)
    user = turn.db.get(User, turn.person.user_id) if turn.person.user_id else None
    prove_places(turn.db, user, str(said), turn.person.conversation_id, turn.world.now, WAY)
    draft.given |= {"right": said, "right_at": turn.world.now.timestamp()}


def done(turn: TurnContext, draft: Draft) -> Answer:
    said = draft.answers["last_places"]
    if said != _WAIT and not (draft.given.get("right") == said and _is_fresh(turn, draft)):
        raise WrongPlaces(left=None)
    request = ask_for_export(turn.db, turn.person.conversation_id, turn.world.now, proved=said != _WAIT)
    return tell(turn, request)


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


def _is_fresh(turn: TurnContext, draft: Draft) -> bool:
    return turn.world.now.timestamp() - float(draft.given.get("right_at", 0)) < _PROOF_LASTS.total_seconds()


export_data = Flow(
    "export_data",
    room="rights",
    steps=(Step("last_places", PlacesOrWait(length=PLACES, x=True)),),
    done=done,
    admit=admit,
    check_answers=check_answers,
    single=True,
)
