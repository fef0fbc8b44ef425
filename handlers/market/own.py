"""上架, 我的货, 库存: sellers list what they grow, for their family or an organisation, and see and change it."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.goods.part import part_reader
from flows.readers.base import Accepted, Asking
from handlers.routing.answers import labels, one_page, with_ways
from handlers.routing.talk import Talk
from models.goods.exchange import NoSuchThing
from models.market.submission import set_stock
from models.organisations.representative import represented_by
from models.people.user import get_resident
from models.public.catalogue import MARKET

# Listings on one page.
_MOST = 6
_MOST_OWN = 60
_GONE = ("withdrawn", "rejected")


def start_listing(talk: Talk) -> Answer:
    """Ask first for whom it is, where the person speaks for an organisation. Raises as the conversation does."""
    named = represented_by(talk.turn.db, talk.turn.person.user_id)
    if not named:
        return list_for_family(talk)
    ways = {f"organisation:{one.name}": ["command", "list_in_its_name", str(one.id)] for one in named}
    return with_ways("replies/market/for_whom", {}, {**ways, "family": ["command", "list_for_family"]})


def list_for_family(talk: Talk) -> Answer:
    return talk.start("list_produce")


def list_in_its_name(talk: Talk, number: str) -> Answer:
    """Begin a listing of an organisation. Only a numbered line leads here. Raises as the conversation does."""
    return talk.start("list_produce", {"organisation": int(number)})


def my_sales(talk: Talk, page: str = "0") -> Answer:
    """List the person's own listings that are not over, the newest first. Raises NotRegistered or ResidentsOnly."""
    user = get_resident(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["my_sales"][0])
    own = [item for item in MARKET.own(talk.turn.db, user.id, _MOST_OWN) if item.state not in _GONE]
    begin = int(page) * _MOST
    lines = list(enumerate(own[begin : begin + _MOST], 1))
    options = [Option(line, "", ["command", "view_listing", str(item.number)]) for line, item in lines]
    turn = ["my_sales", str(int(page) + 1)] if len(own) > begin + _MOST else None
    values = {"lines": lines, "labels": labels(talk.world.lexicon, "unit")}
    return one_page(talk, "replies/market/my_goods", values, options, turn)


def stock(talk: Talk, number: str = "", words: str = "") -> Answer:
    """Set how much is left of the person's own listing; without a number list their own.

    Raises NotRegistered, ResidentsOnly, NoSuchThing, NotOnSale, OverPlot or PlotNotSeen.
    """
    if not number:
        return my_sales(talk)
    user = get_resident(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["my_sales"][0])
    found = MARKET.find(talk.turn.db, int(number), user.id)
    if found is None or not MARKET.belongs_to(talk.turn.db, int(number), user.id):
        raise NoSuchThing(what="listing", number=int(number))
    named = labels(talk.world.lexicon, "unit")
    values = {"number": found.number, "name": found.name, "unit": found.unit, "labels": named}
    reading = part_reader(found.unit).read_words(words, Asking(talk.world)) if words else None
    if not isinstance(reading, Accepted):
        return Answer([Say("replies/market/how_much", None, {**values, "said": words})])
    rules, now = talk.world.lexicon.market, talk.world.now
    listing = set_stock(talk.turn.db, user.id, found.number, int(reading.value), now, rules)
    ways = {"my_sales": ["command", "my_sales"]}
    given = int(reading.value) - listing.available
    return with_ways("replies/market/stock_set", {**values, "available": listing.available, "given": given}, ways)
