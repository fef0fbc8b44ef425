"""买: ask a buyer how much, and where it goes; the review says who gets the money, when it is sent and what spoils."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.language.lexicon import Lexicon
from flows.language.wording import plain
from flows.readers import Count, PersonName, Phone, Place, Text, Weight
from flows.readers.numbers.bounded import Bounded
from flows.readers.numbers.weight import TONNE
from models.core.calendar import day_in_china
from models.core.measures import JIN
from models.market.listing import Listing
from models.market.lots.lot import lot_to_pick
from models.market.orders.order import LASTS
from models.market.orders.placing import NewOrder, check_buyable, check_left, place_order, takes_payment
from models.market.orders.pricing import total_of
from models.organisations.organisation import organisation_of
from models.people.user import get_user

PIECES = Count(max=10_000)
GRAMS = Weight(bare=JIN, max=100 * TONNE)


def buy_flow(unit: str) -> str:
    """Name the conversation for a listing in this unit."""
    return "buy_weight" if unit == "jin" else "buy_pieces"


def is_fresh(lexicon: Lexicon, kind: str, name: str) -> bool:
    """Tell whether it is produce that spoils; of what keeps, the name says that it is dried, pickled or the like."""
    said = plain(name)
    for word in lexicon.words["still_fresh"]:
        said = said.replace(word, "")
    return kind == "produce" and not any(word in said for word in lexicon.words["keeps_long"])


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``listing``, its number, and ``said``, to repeat after registering.

    Raises NotRegistered, and as ``check_buyable`` does.
    """
    buyer = get_user(turn.db, turn.person.user_id, then=given["said"])
    listing = check_buyable(turn.db, given["listing"], buyer)
    return {
        "listing": listing.id,
        "name": listing.name,
        "unit": listing.unit,
        "price_fen": listing.price_fen,
        "fresh": is_fresh(turn.world.lexicon, listing.kind, listing.name),
    }


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Raises before more is asked what ``done`` would."""
    listing = check_buyable(turn.db, draft.given["listing"], get_user(turn.db, turn.person.user_id))
    if "amount" in draft.answers:
        check_left(listing, draft.answers["amount"])


def review_facts(turn: TurnContext, draft: Draft) -> dict[str, Any]:
    """Compute the sum, the days in which it is picked where it grows yet, and which organisation sells it."""
    listing = turn.db.get_one(Listing, draft.given["listing"])
    organisation, lot = organisation_of(turn.db, listing.household_id), lot_to_pick(turn.db, listing.id)
    return {
        "amount": draft.answers["amount"],
        "total_fen": total_of(draft.given["price_fen"], draft.answers["amount"], draft.given["unit"]),
        "picked": [lot.first_day.isoformat(), lot.last_day.isoformat()] if lot else None,
        "days": LASTS["accepted"].days,
        "seller": organisation.name if organisation else None,
        "online": takes_payment(turn.db, listing, turn.world.now),
    }


def done(turn: TurnContext, draft: Draft) -> Answer:
    answers, given, now = draft.answers, draft.given, turn.world.now
    wanted = NewOrder(
        draft_id=draft.id,
        listing_id=given["listing"],
        quantity=answers["amount"],
        unit=given["unit"],
        price_fen=given["price_fen"],
        fresh=given["fresh"],
        recipient=answers["recipient"],
        phone=answers["phone"],
        region_code=answers["place"]["code"],
        address=answers["street"],
    )
    order = place_order(turn.db, wanted, get_user(turn.db, turn.person.user_id), now)
    options = [Option(1, "", ["command", "view_order", str(order.id)])]
    options.append(Option(2, "", ["command", "cancel_order", str(order.id)]))
    values = {
        "code": order.code,
        "name": order.name,
        "total_fen": order.total_fen,
        "due": day_in_china(order.due_at) if order.due_at else None,
        "pay": turn.world.link("order_pay", f"order:{order.id}") if order.state == "awaiting_payment" else "",
        "until": order.due_at,
    }
    return Answer([Say(f"flows/market/{draft.flow}/done", None, values)], options)


def _flow(name: str, reader: Bounded) -> Flow:
    return Flow(
        name,
        room="market",
        steps=(
            Step("amount", reader),
            Step("place", Place()),
            Step("street", Text(min=3, max=60)),
            Step("recipient", PersonName()),
            Step("phone", Phone()),
        ),
        done=done,
        admit=admit,
        check_answers=check_answers,
        review_facts=review_facts,
    )


buy_weight = _flow("buy_weight", GRAMS)
buy_pieces = _flow("buy_pieces", PIECES)
