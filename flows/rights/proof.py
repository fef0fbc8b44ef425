"""Ask who writes: the last places of their ID number, or to wait where they cannot say them."""

from datetime import timedelta
from typing import Any

from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.engine.world import World
from flows.proxy.common import Figures
from flows.readers import Choice
from flows.readers.base import Accepted, Asking, Reading, Rejected
from models.people.user import User
from models.rights.identity import WrongPlaces, prove_places
from models.rights.request import WAITS

WAIT = "wait"
# A right answer proves who has the phone in the hand now, not tomorrow.
_PROOF_LASTS = timedelta(minutes=15)
_CANNOT = Choice("cannot_say")


class PlacesOrWait(Figures):
    """Value: the last places of an ID number, or ``wait`` where the person cannot say them: a numbered line, or words.

    Codes: those of Figures.
    """

    def read_words(self, text: str, asking: Asking) -> Reading:
        return Accepted(WAIT) if self.exact(text, asking) else super().read_words(text, asking)

    def exact(self, text: str, asking: Asking) -> str | None:
        return _CANNOT.exact(text, asking)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        return None if value == WAIT else super().check(value, asking)

    def shown(self, value: Any, world: World) -> Any:
        return _CANNOT.shown(value, world) if value == WAIT else super().shown(value, world)

    def facts(self, asking: Asking) -> dict[str, Any]:
        return {**super().facts(asking), **_CANNOT.facts(asking), "hours": WAITS // timedelta(hours=1)}


def check_places(turn: TurnContext, draft: Draft, way: str) -> None:
    """Check the last places as soon as they are answered; a wrong try counts even if the conversation is dropped.

    ``way``: the command that goes on without them. Raises WrongPlaces or TooManyPlaces.
    """
    said = draft.answers.get("last_places")
    if said in (None, WAIT) or (draft.given.get("right") == said and _is_fresh(turn, draft)):
        return
    draft.given.pop("right", None)
    user = turn.db.get(User, turn.person.user_id) if turn.person.user_id else None
    prove_places(turn.db, user, str(said), turn.person.conversation_id, turn.world.now, way)
    draft.given |= {"right": said, "right_at": turn.world.now.timestamp()}


def is_proved(turn: TurnContext, draft: Draft) -> bool:
    """Tell whether the person proved who they are; False: they wait. Raises WrongPlaces where the proof is too old."""
    said = draft.answers["last_places"]
    if said == WAIT:
        return False
    if draft.given.get("right") != said or not _is_fresh(turn, draft):
        raise WrongPlaces(left=None)
    return True


def _is_fresh(turn: TurnContext, draft: Draft) -> bool:
    return turn.world.now.timestamp() - float(draft.given.get("right_at", 0)) < _PROOF_LASTS.total_seconds()
