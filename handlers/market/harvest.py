"""减产 3 一半: a seller says that less was harvested, reads what that does to whoever ordered, and confirms."""

from flows.engine.flow import Answer, Say
from flows.market.harvest import read_left
from handlers.market.own import my_sales
from handlers.routing.answers import labels, with_ways
from handlers.routing.talk import Talk
from models.market.orders.shortfall import NotLess, open_harvest, reduce_harvest
from models.people.user import get_resident


def poor_harvest(talk: Talk, number: str = "", words: str = "") -> Answer:
    """Say what less would do, and ask; without a number list the person's own.

    Raises NotRegistered, ResidentsOnly, NoSuchThing, NothingToReduce or NotLess.
    """
    user = get_resident(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["my_sales"][0])
    if not number:
        return my_sales(talk)
    found = open_harvest(talk.turn.db, user.id, int(number))
    left = read_left(words, found.total, found.unit, talk.world) if words else None
    values = {"harvest": found, "labels": labels(talk.world.lexicon, "unit"), "said": words, "left": left}
    if left is None:
        return Answer([Say("replies/market/how_much_less", None, values)])
    if left >= found.total:
        raise NotLess(number=found.number, left=left, total=found.total, unit=found.unit)
    ways = {"yes": ["command", "reduce_harvest", number, str(left)], "no": ["command", "my_sales"]}
    return with_ways("replies/market/less_harvest", values, ways)


def reduce(talk: Talk, number: str, left: str) -> Answer:
    """Leave so much, and notify whoever gets less. Only a numbered line leads here. Raises as ``poor_harvest`` does."""
    before = reduce_harvest(talk.turn.db, talk.turn.person.user_id, int(number), int(left), talk.world.now)
    values = {"harvest": before, "left": int(left), "labels": labels(talk.world.lexicon, "unit")}
    return with_ways("replies/market/harvest_reduced", values, {"orders": ["command", "orders"]})
