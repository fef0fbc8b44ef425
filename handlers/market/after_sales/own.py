"""售后: a buyer says what was wrong with an order, and both sides answer each other by digits."""

from flows.engine.flow import Answer
from handlers.market.orders.own import orders_of, view_order
from handlers.routing.answers import ask_which
from handlers.routing.talk import Talk
from models.market.after_sales.answers import say
from models.market.after_sales.asking import ASKABLE
from models.market.orders.views import list_orders
from models.people.user import get_user

# Of so many orders that something may be wrong with, a list is offered.
_MOST = 9


def after_sale(talk: Talk, code: str = "") -> Answer:
    """售后 [码]: ask what was wrong with an order; without a code, with which.

    Raises NoSuchOrder, AskedBefore or OrderMoved.
    """
    user = get_user(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["after_sale"][0])
    if code:
        return talk.start("after_sale", {"code": code})
    found = list_orders(talk.turn.db, user.id, "buyer", states=ASKABLE, most=_MOST).items
    if not found:
        return orders_of(talk, "buyer")
    return ask_which("replies/market/which_order", found, lambda line: ["after_sale", line.code], what="after_sale")


def say_after_sale(talk: Talk, number: str, word: str) -> Answer:
    """Take a word of models.market.after_sales.answers.WORDS. Only a numbered line leads here.

    Raises NoSuchOrder or AfterSaleMoved.
    """
    say(talk.turn.db, talk.turn.person.user_id, int(number), word, talk.world.now, talk.world.lexicon.market)
    return view_order(talk, number)
