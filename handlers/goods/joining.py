"""我家也要, 我来送: from the page of an offer to a request of one's own, and from a request to an offer of one's own.

Nobody is introduced to anybody: a round decides who gets what is given (models.goods.rounds).
"""

from typing import Any

from flows.engine.flow import Answer
from flows.language.sorts import sort_of
from flows.readers.words.goods_name import named
from handlers.public import catalogue
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from models.goods.one_request import Need, find_waiting
from models.people.user import get_resident, get_user
from models.public.catalogue import OFFERS, REQUESTS, Catalogue


def ask_for_offer(talk: Talk, number: str) -> Answer:
    """Begin a request for what is offered, or say that the household's own waits already.

    Raises NotRegistered or ResidentsOnly.
    """
    words, db = talk.world.lexicon.words, talk.turn.db
    user = get_resident(db, talk.turn.person.user_id, then=words["browse_offers"][0])
    found = _open_item(talk, OFFERS, number, "available")
    if found is None:
        return catalogue.offer(talk, number)
    called = sort_of(found.category, found.item, talk.world.lexicon) or found.item
    waiting = find_waiting(db, Need(user.household_id, found.category, called))
    if waiting is None:
        return talk.start("request_goods", **_answers(talk, found))
    own = waiting.owner_id == user.id
    ways = {"request": ["command", "view_request", str(waiting.id)]} if own else {}
    values = {"number": waiting.id, "item": waiting.item, "public": waiting.state == "open"}
    return with_ways("replies/goods/in_turn", values, {**ways, "mine": ["command", "mine"]})


def give_requested(talk: Talk, number: str) -> Answer:
    """Begin an offer of what is asked for. Raises NotRegistered."""
    get_user(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["browse_requests"][0])
    found = _open_item(talk, REQUESTS, number, "open")
    return talk.start("offer_goods", **_answers(talk, found)) if found else catalogue.request(talk, number)


def _open_item(talk: Talk, listed: Catalogue[Any], number: str, state: str) -> Any | None:
    """Return the item if it is still in this state and not the person's own; if not, the caller shows its page."""
    found = listed.find(talk.turn.db, int(number), None)
    own = listed.belongs_to(talk.turn.db, int(number), talk.turn.person.user_id)
    return found if found is not None and found.state == state and not own else None


def _answers(talk: Talk, item: Any) -> dict[str, Any]:
    """Return the answers that the other side's item implies; how much, and all else, is asked."""
    return {"category": item.category, "item": named(item.item, talk.world.lexicon), "unit": item.unit}
