"""Ask for the last places of the ID number, or let the person wait: the phone in the hand is often of the family."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.engine.world import World
from flows.proxy.common import Figures
from flows.readers import Choice
from flows.readers.base import Accepted, Asking, Reading, Rejected
from models.people.user import User
from models.rights.identity import PLACES, Unproved, WrongPlaces, prove_places
from models.rights.request import WAITS

STEP = "last_places"
WAIT = "wait"
# A right answer proves who has the phone in the hand now, not tomorrow.
_PROOF_LASTS = timedelta(minutes=15)


@dataclass(frozen=True)
class PlacesOrWait(Figures):
    """Value: the last places of an ID number, or ``wait`` where the person cannot say them: a numbered line, or words.

    ``cannot``: the choice set of that line. Codes: those of Figures.
    """

    length: int = PLACES
    x: bool = True
    cannot: str = "cannot_say"

    def read_words(self, text: str, asking: Asking) -> Reading:
        return Accepted(WAIT) if self.exact(text, asking) else super().read_words(text, asking)

    def exact(self, text: str, asking: Asking) -> str | None:
        return Choice(self.cannot).exact(text, asking)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        return None if value == WAIT else super().check(value, asking)

    def shown(self, value: Any, world: World) -> Any:
        return Choice(self.cannot).shown(value, world) if value == WAIT else super().shown(value, world)

    def facts(self, asking: Asking) -> dict[str, Any]:
        return {**super().facts(asking), **Choice(self.cannot).facts(asking), "hours": WAITS // timedelta(hours=1)}


def check_places(turn: TurnContext, draft: Draft, way: Unproved) -> None:
    """Check the last places as soon as they are answered; a wrong try counts even if the conversation is dropped.

    Raises WrongPlaces or TooManyPlaces.
    """
    said = draft.answers.get(STEP)
    if said in (None, WAIT) or is_proved(turn, draft):
        return
    if draft.given.pop("right", None) == said:
        raise WrongPlaces(left=None)  # it was right too long ago: who has the phone in the hand now says it again
    user = turn.db.get(User, turn.person.user_id) if turn.person.user_id else None
    prove_places(turn.db, user, str(said), turn.person.conversation_id, turn.world.now, way)
    draft.given |= {"right": said, "right_at": turn.world.now.timestamp()}


def take_proof(turn: TurnContext, draft: Draft) -> bool:
    """Tell whether the person proved who they are a moment ago; False: they wait. Raises WrongPlaces."""
    if draft.answers[STEP] == WAIT:
        return False
    if not is_proved(turn, draft):
        raise WrongPlaces(left=None)
    return True


def is_proved(turn: TurnContext, draft: Draft) -> bool:
    """Tell whether the places that the draft holds were found right a moment ago."""
    fresh = turn.world.now.timestamp() - float(draft.given.get("right_at", 0)) < _PROOF_LASTS.total_seconds()
    return fresh and draft.given.get("right") == draft.answers.get(STEP)
