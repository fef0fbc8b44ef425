"""众筹: a resident asks for the family, or in the name of an organisation for which they speak."""

from flows.engine.flow import Answer
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from handlers.staff.seat import find_seat
from models.organisations.representative import represented_by


def start(talk: Talk) -> Answer:
    """Ask first for whom it is, where the person speaks for an organisation, and show an officer the ways to it.

    Raises as the conversation does.
    """
    if talk.turn.person.user_id is None and find_seat(talk):
        ways = {"register": ["command", "start_register"], "proxy": ["command", "proxy"]}
        return with_ways("replies/appeals/for_officers", {}, ways)
    named = represented_by(talk.turn.db, talk.turn.person.user_id)
    if not named:
        return start_for_family(talk)
    ways = {f"organisation:{one.name}": ["command", "ask_in_its_name", str(one.id)] for one in named}
    return with_ways("replies/appeals/for_whom", {}, {**ways, "family": ["command", "crowdfund_for_family"]})


def start_for_family(talk: Talk) -> Answer:
    return talk.start("start_appeal", {"kind": "crowdfund"}, kind="crowdfund")
