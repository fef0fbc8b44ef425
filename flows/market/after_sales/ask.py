"""售后: ask a buyer what was wrong with an order, what they wish, and for photos where there is something to see."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.readers import Choice, Money, Photo
from flows.readers.base import Asking, Rejected
from models.core.calendar import day_in_china
from models.market.after_sales.after_sale import NAME
from models.market.after_sales.asking import NewAfterSale, TooMuchBack, ask, check_wrong, hold_askable
from models.market.orders.answers import find_by_code
from models.people.photo import attach_photos

MOST_PHOTOS = 3
# Of these there is nothing to see.
_UNSEEN = ("not_got", "unwanted")


def wants_part(answers: Mapping[str, Any]) -> bool:
    return answers.get("wish") == "part"


def can_be_seen(answers: Mapping[str, Any]) -> bool:
    return answers.get("wrong") not in _UNSEEN


def has_wish(answers: Mapping[str, Any]) -> bool:
    """What is sent back without a reason is paid back whole."""
    return answers.get("wrong") != "unwanted"


def fits(value: Any, asking: Asking) -> Rejected | None:
    """Of what never came, no part is kept."""
    return Rejected("all_or_again") if value == "part" and asking.answers.get("wrong") == "not_got" else None


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``code``, of the buyer's order. Raises NoSuchOrder, AskedBefore or OrderMoved."""
    order = find_by_code(turn.db, turn.person.user_id, given["code"])
    held = hold_askable(turn.db, turn.person.user_id, order.id)
    facts = {"order": order.id, "code": order.code, "name": order.name, "total_fen": order.total_fen}
    return {**facts, "fresh": held.order.fresh, "paid": held.order.paid_at is not None}


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Raises before more is asked what ``done`` would."""
    order = hold_askable(turn.db, turn.person.user_id, draft.given["order"]).order
    if "wrong" in draft.answers:
        check_wrong(order, draft.answers["wrong"], turn.world.now)
    if wants_part(draft.answers) and draft.answers.get("sum", 0) > order.total_fen:
        raise TooMuchBack(total_fen=order.total_fen)


def done(turn: TurnContext, draft: Draft) -> Answer:
    answers, now = draft.answers, turn.world.now
    wish = answers["wish"] if has_wish(answers) else "all"
    part = answers["sum"] if wish == "part" else None
    wanted = NewAfterSale(draft.id, answers["wrong"], wish, part)
    found = ask(turn.db, turn.person.user_id, draft.given["order"], wanted, now)
    pictures = answers["photos"] if can_be_seen(answers) else []
    owed = attach_photos(turn.db, NAME, found.id, turn.person.conversation_id, pictures, now)
    turn.jobs += [("fetch_photo", photo) for photo in owed]
    options = [Option(1, "", ["command", "view_order", str(found.order_id)])]
    due = day_in_china(found.due_at) if found.due_at else None
    values = {"code": draft.given["code"], "due": due, "wrong": found.wrong}
    return Answer([Say("flows/market/after_sale/done", None, values)], options)


after_sale = Flow(
    "after_sale",
    room="market",
    steps=(
        Step("wrong", Choice("after_sale_wrong")),
        Step("wish", Choice("after_sale_wish"), when=has_wish, check=fits, codes=("all_or_again",)),
        Step("sum", Money(), when=wants_part),
        Step("photos", Photo(max=MOST_PHOTOS, min=1), when=can_be_seen),
    ),
    done=done,
    admit=admit,
    check_answers=check_answers,
)
