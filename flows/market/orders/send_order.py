"""发货: ask a seller for the waybill of an order that they sent."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.readers.words.waybill import Waybill
from models.market.orders.answers import check_harvested, find_by_code, send
from models.market.orders.order import Order


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``code``, of the seller's order. Raises NoSuchOrder or NotHarvested."""
    order = find_by_code(turn.db, turn.person.user_id, given["code"])
    check_harvested(turn.db, order)
    return {"order": order.id, "code": order.code, "name": order.name}


def done(turn: TurnContext, draft: Draft) -> Answer:
    carriers = turn.world.lexicon.goods.carriers
    said, number = draft.answers["waybill"], draft.given["order"]
    return sent_answer(send(turn.db, turn.person.user_id, number, said, carriers, turn.world.now))


def sent_answer(order: Order) -> Answer:
    """Say what was noted, and what comes next."""
    values = {"code": order.code, "name": order.name, "carrier": order.carrier, "waybill": order.waybill}
    options = [Option(1, "", ["command", "orders_of", "seller"])]
    return Answer([Say("flows/market/send_order/done", None, values)], options)


send_order = Flow("send_order", room="market", steps=(Step("waybill", Waybill()),), done=done, admit=admit)
