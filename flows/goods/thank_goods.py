"""感谢 for goods: a household writes to the donor, with photos if it likes; an officer reads it before it is sent."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.goods.part import household_of
from flows.outreach.update import LONGEST_UPDATE
from flows.proxy.common import lock_mandate
from flows.readers import Photo, Text
from models.goods.exchange import Offer
from models.goods.matches.by_mandate import thank_for
from models.goods.matches.thanking import SUBJECT, check_thanks, submit
from models.proxy.mandate import GOODS
from models.staff.task_steps import STEPS


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``match``, its number; ``mandate``, where an officer thanks for its household.

    Raises NoSuchThing, NotHandedOut or ThankedAlready, and of an officer NotYours or NoMandate.
    """
    match = check_thanks(turn.db, household_of(turn, given), given["match"])
    return {**given, "match": match.id, "item": turn.db.get_one(Offer, match.offer_id).item}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises what ``admit`` does."""
    answers, person, number, now = draft.answers, turn.person, draft.given["match"], turn.world.now
    said, name = (draft.id, answers["words"], answers["photos"]), None
    if "mandate" in draft.given:
        staff, mandate, user = lock_mandate(turn, draft.given["mandate"], GOODS)
        owed, dropped = thank_for(turn.db, staff, mandate, number, said, person.conversation_id, now)
        name = user.masked_name
    else:
        owed, dropped = submit(turn.db, person.user_id, number, said, person.conversation_id, now)
    turn.jobs += [("fetch_photo", photo) for photo in owed]
    turn.jobs += [("forget_photo", photo) for photo in dropped]
    return Answer([Say("flows/goods/thank_goods/done", None, {"days": STEPS[SUBJECT][1], "name": name})])


thank_goods = Flow(
    "thank_goods",
    room="goods",
    steps=(
        Step("words", Text(min=4, max=LONGEST_UPDATE, public=True)),
        Step("photos", Photo(max=3, min=0)),
    ),
    done=done,
    admit=admit,
)
