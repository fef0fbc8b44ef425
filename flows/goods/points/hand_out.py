"""领走: a photo of what is handed out, by its six digits or by an officer's word; then it is recorded."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.goods.points.keep_point import keeper
from flows.readers import Photo
from models.goods.points.board import HANDS_OUT
from models.goods.points.handing_out import check_may_give_word, hand_out, hand_out_by_word
from models.people.photo import attach_photos
from models.staff.directory import demand_staff
from models.staff.member import Staff

MOST_PHOTOS = 3


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``match`` and ``mark`` of what a keeper found by its digits (models.goods.points.handing_out.Lying),
    with its ``item``, ``quantity`` and ``unit``; or ``match`` alone, of an officer's word.

    Raises NotOnTheStaff, or as models.goods.points.handing_out.check_may_give_word.
    """
    if "mark" in given:
        keeper(turn)
        return given
    lying = check_may_give_word(turn.db, _officer(turn), given["match"], turn.world.now)
    return {"match": lying.match, "item": lying.item, "quantity": lying.quantity, "unit": lying.unit}


def done(turn: TurnContext, draft: Draft) -> Answer:
    given, pictures, db, now = draft.given, draft.answers["photos"], turn.db, turn.world.now
    rules = turn.world.lexicon.goods
    if "mark" in given:
        held = hand_out(db, keeper(turn), given["match"], given["mark"], pictures, now, rules)
    else:
        held = hand_out_by_word(db, _officer(turn), given["match"], pictures, now, rules)
    owed = attach_photos(db, "match", held.match.id, turn.person.conversation_id, pictures, now)
    turn.jobs += [("fetch_photo", photo) for photo in owed]
    values = {"item": given["item"], "quantity": given["quantity"], "unit": given["unit"], "proof": held.match.proof}
    return Answer([Say("flows/goods/hand_out_goods/done", None, values)])


def _officer(turn: TurnContext) -> Staff:
    return demand_staff(turn.db, turn.person.account, turn.person.openid, turn.world.now, HANDS_OUT)


hand_out_goods = Flow(
    "hand_out_goods", room="goods", steps=(Step("photos", Photo(max=MOST_PHOTOS, min=1)),), done=done, admit=admit
)
