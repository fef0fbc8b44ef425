"""Switch between people who share a phone (换人): the code of who comes, and one for who goes, if they have none."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.engine.world import World
from flows.people.proof import FiguresOr, is_proved, prove
from flows.proxy.common import Figures
from flows.readers.base import Asking, Rejected
from models.people import shared_phone
from models.people.conversation import Conversation
from models.people.shared_phone import CannotSwitch, WrongSwitchCode
from models.staff.member import ever_held_seat

OWN, THEIRS = "own_code", "their_code"
# Answers that the command gives itself: the person who goes has a code; of who comes none is asked for.
KEPT, FREE = "kept", "free"
FORGOT = "forgot"


@dataclass(frozen=True)
class NewCode(Figures):
    """Value: the code that the person chooses, or ``kept``. Codes: those of Figures."""

    length: int = shared_phone.PLACES

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        return None if value == KEPT else super().check(value, asking)

    def shown(self, value: Any, world: World) -> Any:
        return "" if value == KEPT else super().shown(value, world)


# Value: the code of who comes, ``forgot``, or ``free``.
_THEIR_CODE = FiguresOr(
    length=shared_phone.PLACES, cannot="forgot_code", instead=FORGOT, waits=shared_phone.FORGOT_WAITS, told=FREE
)


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Check that the phone may be handed over. ``given``: ``to``, the conversation that comes, or 0 for a new person.

    Raises CannotSwitch or CodeLocked.
    """
    person = turn.person
    if ever_held_seat(turn.db, person.account, person.openid):
        raise CannotSwitch("seat")
    if coming := _coming(turn, given):
        shared_phone.check_not_locked(coming, turn.world.now)
        return {**given, "name": shared_phone.names_of(turn.db, [coming.id]).get(coming.id, "")}
    shared_phone.check_room(turn.db, person.account, person.openid)
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Check the code as soon as it is answered; a wrong one counts even if the conversation is dropped.

    Raises WrongSwitchCode or CodeLocked.
    """
    coming = None if draft.answers.get(THEIRS) in (None, FREE, FORGOT) else _coming(turn, draft.given)
    if coming:
        check = partial(_check_code, turn, coming)
        prove(turn, draft, THEIRS, (FREE, FORGOT), check, WrongSwitchCode(left=None))


def _check_code(turn: TurnContext, coming: Conversation, said: str) -> None:
    shared_phone.prove_code(turn.db, coming, said, turn.world.now)


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises CannotSwitch, WrongSwitchCode or NoOwnCode."""
    db, now = turn.db, turn.world.now
    coming = _coming(turn, draft.given)
    values = {"name": draft.given.get("name", ""), "new": coming is None, "until": None, "stopped": False}
    if coming and draft.answers[THEIRS] == FORGOT:
        return _say({**values, "until": shared_phone.wait_for_code(db, coming, now)})
    if coming and not (shared_phone.needs_no_code(coming, now) or is_proved(turn, draft, THEIRS)):
        raise WrongSwitchCode(left=None)
    going = db.get_one(Conversation, turn.person.conversation_id, populate_existing=True)
    if draft.answers[OWN] != KEPT:
        going.code = shared_phone.hash_code(draft.answers[OWN])
    if ever_held_seat(db, going.account, going.openid):
        raise CannotSwitch("seat")
    if coming is None:
        shared_phone.check_room(db, going.account, going.openid)
    return _say({**values, "stopped": shared_phone.switch(db, going, coming, now)})


def _say(values: dict[str, Any]) -> Answer:
    return Answer([Say("flows/people/switch_person/done", None, values)])


def _coming(turn: TurnContext, given: dict[str, Any]) -> Conversation | None:
    """Lock and return the conversation that comes; None for a new person. Raises CannotSwitch."""
    person = turn.person
    return shared_phone.find_parked(turn.db, person.account, person.openid, given["to"]) if given["to"] else None


switch_person = Flow(
    "switch_person",
    room="people",
    steps=(Step(OWN, NewCode()), Step(THEIRS, _THEIR_CODE)),
    done=done,
    admit=admit,
    check_answers=check_answers,
)
