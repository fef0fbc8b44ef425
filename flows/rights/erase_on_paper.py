"""代办注销: an officer hands in the signed sheet of a person without a phone who wants to be erased."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.proxy.common import answered_resident, for_officers, officer
from flows.readers import IdNumber, Photo
from models.people.photo import attach_photos
from models.proxy.act import find_resident
from models.rights.erasure.paper import DAYS, SUBJECT, check_may_hand_in, hand_in
from models.rights.erasure.request import COOLS
from models.rights.erasure.standing import show_standing


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Refuse as soon as the person is known, before the sheet is signed.

    Raises TooManyNumbersTyped, NobodyHere, OwnPeople, HandedInAlready, HasOwnWeChat or CannotEraseThem.
    """
    user = answered_resident(turn, draft)
    if user:
        check_may_hand_in(turn.db, user.id)
        draft.given["standing"] = show_standing(turn.db, None, user.id).facts


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """What ends and what stays, as it is now, and after how many days."""
    return {**show_standing(turn.db, None, draft.given["owner"]).facts, "days": COOLS.days}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises what ``check_answers`` does."""
    staff, now = officer(turn), turn.world.now
    user = find_resident(turn.db, staff, draft.answers["id_number"])
    paper = hand_in(turn.db, staff, user, draft.id, now)
    photos = attach_photos(turn.db, SUBJECT, paper.id, turn.person.conversation_id, draft.answers["sheet"], now)
    turn.jobs += [("fetch_photo", photo) for photo in photos]
    facts = {"number": paper.id, "name": user.masked_name, "days": DAYS, "cools": COOLS.days}
    return Answer([Say("flows/rights/erase_on_paper/done", None, facts)])


erase_on_paper = Flow(
    "erase_on_paper",
    room="rights",
    steps=(Step("id_number", IdNumber()), Step("sheet", Photo(max=3, min=1))),
    done=done,
    admit=for_officers,
    check_answers=check_answers,
    review_facts=review_facts,
    confirm="confirm_erasure",
)
