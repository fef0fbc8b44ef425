"""想先问问: let a person ask about a listing that is sold here; an officer introduces the seller."""

from flows.engine.flow import Answer
from handlers.public import catalogue
from handlers.routing.talk import Talk
from handlers.support import call
from models.public.catalogue import MARKET
from models.support.introduction import request_introduction


def ask_about(talk: Talk, number: str) -> Answer:
    """Ask about a listing. A buyer need not be registered. One that is gone, or the person's own, shows its page."""
    db, person = talk.turn.db, talk.turn.person
    found = MARKET.find(db, int(number), None)
    if found is None or found.state != "on_sale" or MARKET.belongs_to(db, int(number), person.user_id):
        return catalogue.listing(talk, number)
    ticket = request_introduction(db, int(number), person.conversation_id, talk.world.now)
    return call.enter(talk, ticket, asked=True)
