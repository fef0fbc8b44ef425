"""Take what a buyer wants whose share of a harvest is less, or who waits for one: 少一点也要, 等一等 or 全退."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from flows.engine.flow import Answer
from handlers.market.orders.own import cancel_order, view_order
from handlers.routing.answers import ask_which
from handlers.routing.talk import Talk
from models.market.orders import waiting
from models.market.orders.order import Order
from models.market.orders.waiting import NothingToChoose, asked_orders, unpicked_orders
from models.people.user import get_user


def take_less(talk: Talk, number: str = "") -> Answer:
    """少一点也要: take what there is. Raises NothingToChoose, NoSuchOrder or OrderMoved."""
    return _choose(talk, number, "take_less", _noted(waiting.choose_less), waiting_too=True)


def wait_rest(talk: Talk, number: str = "") -> Answer:
    """等一等: wait for the rest, or for the harvest.

    Raises NothingToChoose, NoSuchOrder, OrderMoved or WindowOver.
    """
    return _choose(talk, number, "wait_rest", _noted(waiting.choose_wait), waiting_too=False)


def all_back(talk: Talk, number: str = "") -> Answer:
    """全退: cancel it, once the buyer is sure. Raises NothingToChoose or NoSuchOrder."""
    return _choose(talk, number, "all_back", cancel_order, waiting_too=True)


def _noted(act: Callable[[Session, int | None, int, datetime], Order]) -> Callable[[Talk, str], Answer]:
    """Do it, and show the order as it is now."""

    def do(talk: Talk, number: str) -> Answer:
        act(talk.turn.db, talk.turn.person.user_id, int(number), talk.world.now)
        return view_order(talk, number)

    return do


def _choose(talk: Talk, number: str, command: str, do: Callable[[Talk, str], Answer], *, waiting_too: bool) -> Answer:
    """Do it to the order, to the only one that is asked about, or ask which. Raises as ``do`` does."""
    if number:
        return do(talk, number)
    user = get_user(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["orders"][0])
    asked = asked_orders(talk.turn.db, user.id, waiting=waiting_too)
    if not asked and command != "take_less":
        asked = unpicked_orders(talk.turn.db, user.id)
    if not asked:
        raise NothingToChoose(code=None)
    if len(asked) == 1:
        return do(talk, str(asked[0].id))
    return ask_which("replies/market/which_choice", asked, lambda order: [command, str(order.id)])
