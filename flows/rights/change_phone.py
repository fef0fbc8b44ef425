"""Change the phone number (我的资料): the new number, and who asks; it counts after a day without a message."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Phone
from flows.rights.identity import STEP, PlacesOrWait, check_places, take_proof
from models.people.user import get_resident
from models.rights.identity import Unproved, check_tries_left
from models.rights.phone_change import KIND, ask_for_phone, check_other_phone
from models.rights.request import check_may_ask

# It begins anew, without the proof (handlers.rights.commands).
WAY = Unproved("change_phone_and_wait", changes=True)


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``waits``, where the person cannot prove who they are.

    Raises NotRegistered, ResidentsOnly, AskedTooOften or TooManyPlaces.
    """
    get_resident(turn.db, turn.person.user_id)
    check_may_ask(turn.db, turn.person.conversation_id, turn.world.now, KIND)
    if not given.get("waits"):
        check_tries_left(turn.db, turn.person.conversation_id, turn.world.now, WAY)
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Raises SamePhone, WrongPlaces or TooManyPlaces."""
    if "phone" in draft.answers:
        check_other_phone(get_resident(turn.db, turn.person.user_id), draft.answers["phone"])
    check_places(turn, draft, WAY)


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises WrongPlaces, SamePhone or AskedTooOften."""
    proved = take_proof(turn, draft)
    user, phone = get_resident(turn.db, turn.person.user_id), draft.answers["phone"]
    request = ask_for_phone(turn.db, user, turn.person.conversation_id, phone, turn.world.now, proved=proved)
    turn.stoppable = request.id
    tails = {"old": user.phone[-4:] if user.phone else None, "new": phone[-4:]}
    return Answer([Say("flows/rights/change_phone/done", None, {**tails, "until": request.until})])


change_phone = Flow(
    "change_phone",
    room="rights",
    steps=(Step("phone", Phone()), Step(STEP, PlacesOrWait(cannot="cannot_say_yet"))),
    done=done,
    admit=admit,
    check_answers=check_answers,
    single=True,
)
