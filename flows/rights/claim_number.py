"""号码被占: a person claims their ID number, with which another account is registered, by a picture of the card."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Agree, IdNumber, Photo, Place
from models.people.user import count_id_number, find_by_id_number
from models.rights.number_claim import DAYS, check_may_claim, claim


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Raises HasNumber, ClaimWaits or ClaimedTooOften."""
    check_may_claim(turn.db, turn.person.conversation_id, turn.person.user_id, turn.world.now)
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Count the number as one that was tried, whether it is registered or not. Raises TooManyIdNumbers."""
    said = draft.answers.get("id_number")
    if said is None or draft.given.get("named") == said:
        return
    count_id_number(turn.db, turn.person.conversation_id, turn.world.now, find_by_id_number(turn.db, said))
    draft.given["named"] = said


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises what ``admit`` does."""
    answers, person = draft.answers, turn.person.conversation_id
    home, photos = answers["home"]["code"], answers["photos"]
    made, owed = claim(turn.db, person, draft.id, answers["id_number"], home, photos, turn.world.now)
    turn.jobs += [("fetch_photo", photo) for photo in owed]
    return Answer([Say("flows/rights/claim_number/done", None, {"number": made.id, "days": DAYS})])


claim_number = Flow(
    "claim_number",
    room="rights",
    steps=(
        Step("consent", Agree()),
        Step("id_number", IdNumber()),
        Step("home", Place(level="county")),
        Step("photos", Photo(max=3, min=1)),
    ),
    done=done,
    admit=admit,
    check_answers=check_answers,
    single=True,
)
