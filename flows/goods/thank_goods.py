"""感谢 for goods: a household writes to the donor, with photos if it likes; an officer reads it before it is sent."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.outreach.update import LONGEST_UPDATE
from flows.readers import Photo, Text
from models.goods.exchange import Offer
from models.goods.matches.thanking import SUBJECT, check_thanks, submit
from models.staff.task_steps import STEPS


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``match``, its number. Raises NoSuchThing, NotHandedOut or ThankedAlready."""
    match = check_thanks(turn.db, turn.person.user_id, given["match"])
    return {"match": match.id, "item": turn.db.get_one(Offer, match.offer_id).item}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises what ``admit`` does."""
    answers, person = draft.answers, turn.person
    said = (draft.id, answers["words"], answers["photos"])
    owed, dropped = submit(turn.db, person.user_id, draft.given["match"], said, person.conversation_id, turn.world.now)
    turn.jobs += [("fetch_photo", photo) for photo in owed]
    turn.jobs += [("forget_photo", photo) for photo in dropped]
    return Answer([Say("flows/goods/thank_goods/done", None, {"days": STEPS[SUBJECT][1]})])


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
