"""买: begin an order from a listing's number, and from how much was said with it."""

from dataclasses import replace

from flows.engine.flow import Answer
from flows.market.orders.buy import buy_flow
from flows.readers.numbers.quantity import said_unit
from handlers.public import catalogue
from handlers.routing.dispatch import finish
from handlers.routing.talk import Talk
from models.goods.exchange import NoSuchThing
from models.market.listing import Listing
from models.market.orders.views import last_address
from models.places.region import Region


def buy(talk: Talk, number: str = "", words: str = "") -> Answer:
    """Begin an order; without a number show the market. ``words``: how much (20斤, 两箱).

    Raises NotRegistered, NoSuchThing, OwnListing, NotForSale or TooManyOrders.
    """
    db, lexicon = talk.turn.db, talk.world.lexicon
    if not number:
        return catalogue.market(talk)
    listing = db.get(Listing, int(number))
    if listing is None:
        raise NoSuchThing(what="listing", number=int(number))
    said = " ".join(filter(None, (lexicon.words["buy"][0], number, words)))
    asked = talk.start(buy_flow(listing.unit), {"listing": listing.id, "said": said}, **where_to(talk))
    draft = talk.session.draft
    if not words or draft is None or draft.begun or _other_unit(talk, words, listing.unit):
        return asked
    message = replace(talk.message, text=words)
    return finish(talk, talk.engine.read_message(talk.session, draft, message, talk.world))


def where_to(talk: Talk) -> dict[str, object]:
    """Return the answers of the buyer's last order; they stand in the review, to be changed by number."""
    user_id = talk.turn.person.user_id
    last = last_address(talk.turn.db, user_id) if user_id else None
    region = talk.turn.db.get(Region, last.region_code) if last else None
    if last is None or region is None:
        return {}
    place = {"code": region.code, "name": region.full_name, "latitude": None, "longitude": None, "detail": ""}
    return {"place": place, "street": last.address, "recipient": last.recipient, "phone": last.phone}


def _other_unit(talk: Talk, words: str, unit: str) -> bool:
    """Tell whether a count was said in another unit than the listing's (两袋 of what is sold in boxes)."""
    said = said_unit(words, talk.world.lexicon)
    return unit != "jin" and said is not None and said[1] not in ("piece", unit)
