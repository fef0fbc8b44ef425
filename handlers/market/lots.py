"""Take a seller's word that a pre-order is picked (收了 3 150斤): show what it does to orders, and ask to confirm."""

from flows.engine.flow import Answer, Say
from flows.market.harvest import read_there
from handlers.market.own import my_sales
from handlers.routing.answers import ask_which, labels, with_ways
from handlers.routing.talk import Talk
from models.market.lots.harvesting import lots_to_pick, open_lot, say_harvested
from models.people.user import User, get_resident


def harvested(talk: Talk, number: str = "", words: str = "") -> Answer:
    """Say what it would do, and ask; without a number take the person's only lot, or ask which.

    Raises NotRegistered, ResidentsOnly, NoSuchThing or NothingToHarvest.
    """
    user = get_resident(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["my_sales"][0])
    if not number:
        return _which(talk, user)
    found = open_lot(talk.turn.db, user.id, int(number))
    there = read_there(words, found.total, found.unit, talk.world) if words else None
    values = {"harvest": found, "labels": labels(talk.world.lexicon, "unit"), "said": words, "there": there}
    if words and there is None:
        return Answer([Say("replies/market/how_much_harvested", None, values)])
    said = [str(there)] if there is not None else []
    ways = {"yes": ["command", "confirm_harvested", number, *said], "no": ["command", "my_sales"]}
    return with_ways("replies/market/harvested", values, ways)


def confirm(talk: Talk, number: str, there: str = "") -> Answer:
    """Note that it is picked. Only a numbered line leads here. Raises as ``say_harvested`` does."""
    db, now, rules = talk.turn.db, talk.world.now, talk.world.lexicon.market
    said = int(there) if there else None
    before = say_harvested(db, talk.turn.person.user_id, int(number), said, now, rules)
    values = {"harvest": before, "there": said, "labels": labels(talk.world.lexicon, "unit")}
    return with_ways("replies/market/harvest_noted", values, {"orders": ["command", "orders"]})


def _which(talk: Talk, user: User) -> Answer:
    """Ask which lot is meant, where there is more than one; without one show what the person sells."""
    lots = lots_to_pick(talk.turn.db, user.id)
    if len(lots) == 1:
        return harvested(talk, str(lots[0].id))
    if not lots:
        return my_sales(talk)
    return ask_which("replies/market/which_lot", lots, lambda lot: ["harvested", str(lot.id)])
