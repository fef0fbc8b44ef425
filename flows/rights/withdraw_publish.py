"""收回同意: withdraw the consent to publish, with proof of identity or after a day, where appeals end by it."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.rights.identity import STEP, WAIT, PlacesOrWait, check_places, take_proof
from models.appeals.appeal import titles_of
from models.people.user import get_user
from models.rights.consent_request import KIND, ask_for_withdrawal
from models.rights.consent_withdrawal import (
    PUBLISH,
    NothingToWithdraw,
    appeals_to_stop,
    withdraw_purpose,
    withdrawable_purposes,
)
from models.rights.identity import Unproved, check_tries_left
from models.rights.request import check_may_ask

# It begins anew, without the proof (handlers.rights.commands).
WAY = Unproved("withdraw_and_wait")


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``waits``, where the person cannot prove who they are.

    Raises NotRegistered, NothingToWithdraw, AskedTooOften or TooManyPlaces.
    """
    db, number, now = turn.db, turn.person.conversation_id, turn.world.now
    if PUBLISH not in withdrawable_purposes(db, get_user(db, turn.person.user_id).id, number):
        raise NothingToWithdraw
    check_may_ask(db, number, now, KIND)
    if not given.get("waits"):
        check_tries_left(db, number, now, WAY)
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Raises WrongPlaces or TooManyPlaces."""
    check_places(turn, draft, WAY)


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """What ends and what is hidden, as it is now: number -> title."""
    ends, hides = appeals_to_stop(turn.db, get_user(turn.db, turn.person.user_id).id)
    titles = titles_of(turn.db, [*ends, *hides])
    waits = draft.answers.get(STEP) == WAIT
    return {"ends": [(each, titles[each]) for each in ends], "hides": hides, "waits": waits}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises NotRegistered, NothingToWithdraw, WrongPlaces or AskedTooOften."""
    proved = take_proof(turn, draft)
    db, number, now = turn.db, turn.person.conversation_id, turn.world.now
    user = get_user(db, turn.person.user_id)
    if not proved:
        request = ask_for_withdrawal(db, user, number, now)
        turn.stoppable = request.id
        return _say({"until": request.until, "cancelled": [], "hidden": []})
    stopped = withdraw_purpose(db, user, number, PUBLISH, now)
    turn.jobs += [("forget_photo", photo) for photo in stopped.photos]
    return _say({"until": None, "cancelled": stopped.cancelled, "hidden": stopped.hidden})


def _say(values: dict[str, Any]) -> Answer:
    return Answer([Say("flows/rights/withdraw_publish/done", None, values)])


withdraw_publish = Flow(
    "withdraw_publish",
    room="rights",
    steps=(Step(STEP, PlacesOrWait()),),
    done=done,
    admit=admit,
    check_answers=check_answers,
    review_facts=review_facts,
    single=True,
)
