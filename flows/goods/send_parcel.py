"""寄出: ask a donor for the waybill of parcels that they sent."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.readers.words.waybill import Waybill
from models.goods.matches.sending import Sent, own_parcels, send_parcels
from models.goods.matches.views import find_line


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``codes``, of the donor's parcels. Raises NoSuchParcel."""
    matches = own_parcels(turn.db, turn.person.user_id, given["codes"])
    line = find_line(turn.db, turn.person.user_id, matches[0].id)
    facts = {"item": line.item, "place": line.place, "quantity": line.quantity, "unit": line.unit}
    return {**given, **facts, "count": len(matches)}


def done(turn: TurnContext, draft: Draft) -> Answer:
    codes, waybill = draft.given["codes"], draft.answers["waybill"]
    carriers = turn.world.lexicon.goods.carriers
    return sent_answer(send_parcels(turn.db, turn.person.user_id, codes, waybill, carriers, turn.world.now))


def sent_answer(sent: Sent) -> Answer:
    """Say what was noted, and what comes next."""
    first = sent.helds[0]
    values = {
        "codes": [held.match.parcel for held in sent.helds],
        "item": first.offer.item,
        "place": sent.place,
        "carrier": sent.carrier,
        "waybill": sent.waybill,
        "corrected": sent.corrected,
    }
    return Answer([Say("flows/goods/send_parcel/done", None, values)], [Option(1, "", ["command", "my_parcels"])])


send_parcel = Flow("send_parcel", room="goods", steps=(Step("waybill", Waybill()),), done=done, admit=admit)
