"""Ask for the last places of the ID number, or let the person wait: the phone in the hand is often of the family."""

from functools import partial

from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.people.proof import FiguresOr, is_proved, prove
from models.people.user import User
from models.rights.identity import PLACES, Unproved, WrongPlaces, prove_places
from models.rights.request import WAITS

STEP = "last_places"
WAIT = "wait"
# Value: the last places of an ID number, or ``wait``.
PlacesOrWait = partial(FiguresOr, length=PLACES, x=True, cannot="cannot_say", instead=WAIT, waits=WAITS)


def check_places(turn: TurnContext, draft: Draft, way: Unproved) -> None:
    """Check the last places as soon as they are answered; a wrong try counts even if the conversation is dropped.

    Raises WrongPlaces or TooManyPlaces.
    """

    def check(said: str) -> None:
        user = turn.db.get(User, turn.person.user_id) if turn.person.user_id else None
        prove_places(turn.db, user, said, turn.person.conversation_id, turn.world.now, way)

    prove(turn, draft, STEP, (WAIT,), check, WrongPlaces(left=None))


def take_proof(turn: TurnContext, draft: Draft) -> bool:
    """Tell whether the person proved who they are a moment ago; False: they wait. Raises WrongPlaces."""
    if draft.answers[STEP] == WAIT:
        return False
    if not is_proved(turn, draft, STEP):
        raise WrongPlaces(left=None)
    return True
