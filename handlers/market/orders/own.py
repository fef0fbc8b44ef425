"""订单, 发货, 接单: buyers and sellers see their orders, and say what becomes of them."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from flows.engine.flow import Answer
from flows.engine.session import Option
from flows.market.orders.send_order import sent_answer
from handlers.routing.answers import ask_which, one_page, with_ways
from handlers.routing.talk import Talk
from models.market.after_sales.showing import count_for_seller
from models.market.orders import answers, views
from models.market.orders.answers import read_code
from models.market.orders.order import NOT_SENT, TO_ANSWER, TO_SEND, Order
from models.market.orders.steps import NoSuchOrder
from models.market.orders.views import OrderLine
from models.people.user import User, get_user

Ways = dict[str, list[str]]

# Side and state of an after-sale -> what may be said (models.market.after_sales.answers.WORDS).
_SAID = {
    ("seller", "asked"): ("agree", "refuse"),
    ("seller", "agreed"): ("given_back",),
    ("buyer", "asked"): ("withdraw",),
    ("buyer", "refused"): ("object", "withdraw"),
    ("buyer", "township"): ("withdraw",),
    ("buyer", "agreed"): ("withdraw",),
    ("buyer", "done"): ("settle", "not_back"),
}
# Of so many orders that wait to be sent, a list is offered.
_MOST = 9


def orders(talk: Talk, code: str = "") -> Answer:
    """订单 [码]: show one order, or list the person's: of who buys and sells, ask which side. Raises NoSuchOrder."""
    user, db = _person(talk), talk.turn.db
    if code:
        return view_order(talk, str(views.numbered(db, user.id, code)))
    bought, sold, to_send = views.count_sides(db, user.id)
    if bought and sold:
        ways = {side: ["command", "orders_of", side] for side in ("seller", "buyer")}
        values = {"bought": bought, "sold": sold, "to_send": to_send}
        return with_ways("replies/market/which_side", values, ways)
    return orders_of(talk, "seller" if sold else "buyer")


def orders_of(talk: Talk, side: str, after: str = "", everything: str = "") -> Answer:
    """List what the person buys or sells; of what they sell, first what waits to be sent. Only numbers lead here."""
    user, db = _person(talk), talk.turn.db
    waiting = side == "seller" and not everything and not after and views.count_sides(db, user.id)[2] > 0
    states = TO_SEND if waiting else ()
    found = views.list_orders(
        db, user.id, "seller" if side == "seller" else "buyer", states=states, after=int(after) if after else None
    )
    lines = list(enumerate(found.items, 1))
    options = [Option(n, "", ["command", "view_order", str(line.number)]) for n, line in lines]
    values = {"lines": lines, "side": side, "waiting": waiting}
    if waiting:
        # One line more leads to all of them, those that wait included.
        options.append(Option(len(options) + 1, "", ["command", "orders_of", side, "", "everything"]))
        return one_page(talk, "replies/market/orders", {**values, "everything": len(options)}, options, None)
    turn = ["orders_of", side, str(found.after)] if found.after else None
    return one_page(talk, "replies/market/orders", {**values, "everything": None}, options, turn)


def view_order(talk: Talk, number: str) -> Answer:
    """Show one of the person's orders, with what they may do now. Raises NoSuchOrder."""
    user = _person(talk)
    return page(talk, views.open_order(talk.turn.db, user.id, int(number), talk.world.now))


def page(talk: Talk, line: OrderLine) -> Answer:
    """Show the order; its buyer gets the link to pay it while it waits for that, its seller the buyer's photos."""
    pays = line.side == "buyer" and line.state == "awaiting_payment"
    link = talk.world.link("order_pay", f"order:{line.number}") if pays else ""
    after_sale, pictures = count_for_seller(talk.turn.db, line.number) if line.side == "seller" else (0, 0)
    look = talk.world.link("order_photos", f"after_sale:{after_sale}") if pictures else ""
    ways = {**_ways(line), "orders": ["command", "orders"]}
    return with_ways("replies/market/order", {"line": line, "pay": link, "pictures": pictures, "look": look}, ways)


def accept_order(talk: Talk, number: str) -> Answer:
    """接单. Raises NoSuchOrder or OrderMoved."""
    return _done(talk, number, answers.accept)


def decline_order(talk: Talk, number: str) -> Answer:
    """没货了. Raises NoSuchOrder or OrderMoved."""
    return _done(talk, number, answers.decline)


def hand_over_order(talk: Talk, number: str, sure: str = "") -> Answer:
    """当面给了: note it once the seller is sure, since the buyer is told so.

    Raises NoSuchOrder, OrderMoved or NotHarvested.
    """
    if not sure:
        ways = {"handed": ["command", "hand_over_order", number, "sure"], "keep": ["command", "view_order", number]}
        return _ask(talk, number, "handed", ways)
    return _done(talk, number, answers.hand_over)


def got_order(talk: Talk, number: str) -> Answer:
    """货收到了. Raises NoSuchOrder or OrderMoved."""
    return _done(talk, number, answers.got)


def cancel_order(talk: Talk, number: str, sure: str = "") -> Answer:
    """不要了: cancel it once the buyer is sure. Raises NoSuchOrder or OrderMoved."""
    if not sure:
        ways = {"cancel": ["command", "cancel_order", number, "sure"], "keep": ["command", "view_order", number]}
        return _ask(talk, number, "cancel", ways)
    return _done(talk, number, answers.cancel)


def send_order(talk: Talk, code: str = "", rest: str = "") -> Answer:
    """发货 <码> [单号]: note that an order is sent. Without a code ask which; without a waybill ask for it.

    Raises NoSuchOrder, OrderMoved, NotHarvested, BadWaybill or OrderWaybillUsed.
    """
    user = _person(talk)
    said = " ".join(filter(None, (code, rest)))
    if not read_code(code):
        return _ask_which(talk, user, said)
    if not rest:
        return talk.start("send_order", {"code": code.upper()})
    waybill = "" if talk.world.lexicon.means("no_waybill", rest) else rest
    number = views.numbered(talk.turn.db, user.id, code)
    carriers = talk.world.lexicon.goods.carriers
    return sent_answer(answers.send(talk.turn.db, user.id, number, waybill, carriers, talk.world.now))


def _ask_which(talk: Talk, user: User, waybill: str) -> Answer:
    """Ask which order was sent. ``waybill``: what was written without a code. Raises NoSuchOrder where none waits."""
    waiting = views.list_orders(talk.turn.db, user.id, "seller", states=TO_SEND, most=_MOST).items
    if not waiting:
        if waybill:
            raise NoSuchOrder(given=waybill[:24])
        return orders_of(talk, "seller")
    again = [waybill] if waybill else []
    return ask_which("replies/market/which_order", waiting, lambda line: ["send_order", line.code, *again], what="send")


def _ask(talk: Talk, number: str, asks: str, ways: Ways) -> Answer:
    line = views.open_order(talk.turn.db, _person(talk).id, int(number), talk.world.now)
    return with_ways("replies/market/sure", {"line": line, "asks": asks}, ways)


def _done(talk: Talk, number: str, act: Callable[[Session, int | None, int, datetime], Order]) -> Answer:
    """Do it, and show the order as it is now. Raises as ``act`` does."""
    act(talk.turn.db, talk.turn.person.user_id, int(number), talk.world.now)
    return view_order(talk, number)


def _ways(line: OrderLine) -> Ways:
    """Offer what the state leaves open to this side."""
    number = str(line.number)
    if line.state == "after_sale" and line.dispute:
        said = _SAID.get((line.side, line.dispute.state), ())
        return {word: ["command", "say_after_sale", number, word] for word in said}
    if line.side == "buyer":
        got = {"got": ["command", "got_order", number]} if line.state == "shipped" else {}
        wrong = {"wrong": ["command", "after_sale", line.code]} if line.state in ("shipped", "delivered") else {}
        cancel = {"cancel": ["command", "cancel_order", number]} if line.state in NOT_SENT else {}
        return {**got, **wrong, **_choices(line), **cancel}
    if line.state in TO_ANSWER:
        return {"accept": ["command", "accept_order", number], "decline": ["command", "decline_order", number]}
    if line.state == "accepted" and line.last_day:
        return {
            "harvested": ["command", "harvested", str(line.listing)],
            "decline": ["command", "decline_order", number],
        }
    if line.state == "accepted":
        return {
            "send": ["command", "send_order", line.code],
            "handed": ["command", "hand_over_order", number],
            "decline": ["command", "decline_order", number],
        }
    return {"waybill": ["command", "send_order", line.code]} if line.state == "shipped" else {}


def _choices(line: OrderLine) -> Ways:
    """Offer the buyer of a short harvest what may be chosen yet."""
    words = {"open": ("take_less", "wait_rest"), "wait": ("take_less",)}.get(line.choice or "", ())
    return {word: ["command", word, str(line.number)] for word in words}


def _person(talk: Talk) -> User:
    return get_user(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["orders"][0])
