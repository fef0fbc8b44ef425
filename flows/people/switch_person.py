"""Switch between people who share a phone (换人): the code of who comes, and one for who goes, if they have none."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.engine.world import World
from flows.proxy.common import Figures
from flows.readers import Choice
from flows.readers.base import Accepted, Asking, Reading, Rejected
from models.people import shared_phone
from models.people.conversation import Conversation
from models.people.shared_phone import CannotSwitch, WrongSwitchCode
from models.staff.member import ever_held_seat

OWN, THEIRS = "own_code", "their_code"
# Answers that the command gives itself: the person who goes has a code; of who comes none is asked for.
KEPT, FREE = "kept", "free"
FORGOT = "forgot"
_FORGOT_CHOICE = "forgot_code"
# A right code proves who has the phone in the hand now, not tomorrow.
_PROOF_LASTS = timedelta(minutes=15)


@dataclass(frozen=True)
class NewCode(Figures):
    """Value: the code that the person chooses, or ``kept``. Codes: those of Figures."""

    length: int = shared_phone.PLACES

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        return None if value == KEPT else super().check(value, asking)

    def shown(self, value: Any, world: World) -> Any:
        return "" if value == KEPT else super().shown(value, world)


@dataclass(frozen=True)
class CodeOrForgot(Figures):
    """Value: a code, ``forgot`` (a numbered line, or words), or ``free``. Codes: those of Figures."""

    length: int = shared_phone.PLACES

    def read_words(self, text: str, asking: Asking) -> Reading:
        return Accepted(FORGOT) if self.exact(text, asking) else super().read_words(text, asking)

    def exact(self, text: str, asking: Asking) -> str | None:
        return Choice(_FORGOT_CHOICE).exact(text, asking)

    def check(self, value: Any, asking: Asking) -> Rejected | None:
        return None if value in (FREE, FORGOT) else super().check(value, asking)

    def shown(self, value: Any, world: World) -> Any:
        if value == FORGOT:
            return Choice(_FORGOT_CHOICE).shown(value, world)
        return "" if value == FREE else super().shown(value, world)

    def facts(self, asking: Asking) -> dict[str, Any]:
        hours = shared_phone.FORGOT_WAITS // timedelta(hours=1)
        return {**super().facts(asking), **Choice(_FORGOT_CHOICE).facts(asking), "hours": hours}


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
    said = draft.answers.get(THEIRS)
    coming = None if said in (None, FREE, FORGOT) or _is_right(turn, draft) else _coming(turn, draft.given)
    if coming:
        if draft.given.pop("right", None) == said:
            raise WrongSwitchCode(left=None)  # it was right too long ago
        shared_phone.prove_code(turn.db, coming, str(said), turn.world.now)
        draft.given |= {"right": said, "right_at": turn.world.now.timestamp()}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises CannotSwitch, WrongSwitchCode or NoOwnCode."""
    db, now = turn.db, turn.world.now
    coming = _coming(turn, draft.given)
    values = {"name": draft.given.get("name", ""), "new": coming is None, "until": None, "stopped": False}
    if coming and draft.answers[THEIRS] == FORGOT:
        return _say({**values, "until": shared_phone.wait_for_code(db, coming, now)})
    if coming and not (shared_phone.needs_no_code(coming, now) or _is_right(turn, draft)):
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


def _is_right(turn: TurnContext, draft: Draft) -> bool:
    """Tell whether the code that the draft holds was found right a moment ago."""
    fresh = turn.world.now.timestamp() - float(draft.given.get("right_at", 0)) < _PROOF_LASTS.total_seconds()
    return fresh and draft.given.get("right") == draft.answers.get(THEIRS)


switch_person = Flow(
    "switch_person",
    room="people",
    steps=(Step(OWN, NewCode()), Step(THEIRS, CodeOrForgot())),
    done=done,
    admit=admit,
    check_answers=check_answers,
)
