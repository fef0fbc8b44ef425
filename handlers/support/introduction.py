"""想买, 我家要, 我来送: let a person ask for an item of a public list; an officer introduces the owner."""

from typing import Any

from flows.engine.flow import Answer
from handlers.public import catalogue
from handlers.routing.talk import Talk
from handlers.support import call
from models.people.user import get_resident, get_user, home_of
from models.public.catalogue import MARKET, OFFERS, REQUESTS, Catalogue
from models.support.introduction import request_introduction


def buy(talk: Talk, number: str) -> Answer:
    """Ask for a listing that is sold here. A buyer need not be registered."""
    if not _is_there(talk, MARKET, number, "on_sale"):
        return catalogue.listing(talk, number)
    return _ask_for(talk, "listing", number)


def ask_for_offer(talk: Talk, number: str) -> Answer:
    """Ask for an offer of goods, for a household. Raises NotRegistered or ResidentsOnly."""
    get_resident(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["browse_offers"][0])
    if not _is_there(talk, OFFERS, number, "available"):
        return catalogue.offer(talk, number)
    return _ask_for(talk, "offer", number)


def ask_for_requester(talk: Talk, number: str) -> Answer:
    """Offer what a household asks for. Raises NotRegistered."""
    get_user(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["browse_requests"][0])
    if not _is_there(talk, REQUESTS, number, "open"):
        return catalogue.request(talk, number)
    return _ask_for(talk, "request", number)


def _is_there(talk: Talk, catalogue: Catalogue[Any], number: str, state: str) -> bool:
    """Tell whether the item is still in this state and not the person's own; if not, the caller shows its page."""
    found = catalogue.find(talk.turn.db, int(number), None)
    own = catalogue.belongs_to(talk.turn.db, int(number), talk.turn.person.user_id)
    return found is not None and found.state == state and not own


def _ask_for(talk: Talk, kind: str, number: str) -> Answer:
    person = talk.turn.person
    home = home_of(talk.turn.db, person.user_id)
    ticket = request_introduction(talk.turn.db, kind, int(number), person.conversation_id, home, talk.world.now)
    return call.enter(talk, ticket, asked=True)
