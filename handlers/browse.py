"""Lists to look through, five at a time, and a closer look at one thing in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flows.flow import Answer, Say
from flows.lexicon import Lexicon
from flows.session import Option
from handlers.talk import Talk
from models import shelves
from models.appeal import NoSuchAppeal
from models.public import find_story
from models.shelves import NoSuchThing, Shelf, Wanted

MOST_WORDS = 3
LONGEST_SEARCH = 30
# Characters of a story in one message, which has room for some six hundred beside the budget.
STORY_PART = 300


@dataclass(frozen=True, slots=True)
class Stall:
    """A shelf with its words: those of the list, those of one thing in it, and the choice set of its categories."""

    shelf: Shelf[Any]
    list_template: str
    list_command: str
    template: str
    command: str
    categories: str


APPEALS = Stall(
    shelf=shelves.APPEALS,
    list_template="replies/appeals",
    list_command="browse_appeals",
    template="replies/appeal",
    command="view_appeal",
    categories="appeal_category",
)
REQUESTS = Stall(
    shelf=shelves.REQUESTS,
    list_template="replies/requests",
    list_command="browse_requests",
    template="replies/request",
    command="view_request",
    categories="goods_category",
)
OFFERS = Stall(
    shelf=shelves.OFFERS,
    list_template="replies/offers",
    list_command="browse_offers",
    template="replies/offer",
    command="view_offer",
    categories="goods_category",
)
MARKET = Stall(
    shelf=shelves.MARKET,
    list_template="replies/market",
    list_command="browse_market",
    template="replies/listing",
    command="view_listing",
    categories="produce_kind",
)


def appeals(talk: Talk, word: str = "", after: str = "") -> Answer:
    return _list(talk, APPEALS, word, after)


def requests(talk: Talk, word: str = "", after: str = "") -> Answer:
    return _list(talk, REQUESTS, word, after)


def offers(talk: Talk, word: str = "", after: str = "") -> Answer:
    return _list(talk, OFFERS, word, after)


def market(talk: Talk, word: str = "", after: str = "") -> Answer:
    return _list(talk, MARKET, word, after)


def appeal(talk: Talk, number: str, word: str = "", after: str = "") -> Answer:
    """One appeal; from here one gives, or goes back to the list as it was."""
    found = shelves.APPEALS.find(talk.desk.db, int(number), talk.desk.person.user_id)
    if found is None:
        raise NoSuchAppeal(number=int(number))
    takes_pledges = found.state == "funding" and found.deadline > talk.world.now
    ways = {"give": ["command", "pledge", number]} if takes_pledges else {}
    if found.published_at:
        ways["story"] = ["command", "public_story", number, "0", word, after]
    return _detail(talk, APPEALS, found, ways, word, after)


def story(talk: Talk, number: str, begin: str = "0", word: str = "", after: str = "") -> Answer:
    """What the asker wrote, a part at a time from the character ``begin``, and what the money is for."""
    found = find_story(talk.desk.db, int(number))
    if found is None:
        raise NoSuchAppeal(number=int(number))
    end = int(begin) + STORY_PART
    ways = {"goes_on": ["command", "public_story", number, str(end), word, after]} if end < len(found.story) else {}
    ways["appeal"] = ["command", "view_appeal", number, word, after]
    options = [Option(n, "", do) for n, do in enumerate(ways.values(), 1)]
    values = {"item": found, "part": found.story[int(begin) : end], "first": begin == "0", "ways": enumerate(ways, 1)}
    return Answer([Say("replies/public_story", None, values)], options)


def request(talk: Talk, number: str, word: str = "", after: str = "") -> Answer:
    found = _find(talk, REQUESTS, number)
    ways = {"give": ["command", "start_offer"]} if found.state == "open" else {}
    return _detail(talk, REQUESTS, found, ways, word, after)


def offer(talk: Talk, number: str, word: str = "", after: str = "") -> Answer:
    found = _find(talk, OFFERS, number)
    ways = {"ask": ["command", "start_request"]} if found.state == "available" else {}
    return _detail(talk, OFFERS, found, ways, word, after)


def listing(talk: Talk, number: str, word: str = "", after: str = "") -> Answer:
    found = _find(talk, MARKET, number)
    ways = {"buy": ["human"]} if found.state == "on_sale" and found.shop_url is None else {}
    return _detail(talk, MARKET, found, ways, word, after)


def labels(lexicon: Lexicon, *choice_sets: str) -> dict[str, dict[str, str]]:
    """What templates need to say keys in words: choice set -> key -> label."""
    return {name: dict(lexicon.options(name)) for name in choice_sets}


def more(talk: Talk, number: int, command: str, *arguments: str) -> list[Option]:
    """The line that turns the page, under its number and under each of its words."""
    return [Option(number, word, ["command", command, *arguments]) for word in talk.world.lexicon.words["more"]]


def _list(talk: Talk, stall: Stall, word: str, after: str) -> Answer:
    word = " ".join(word[:LONGEST_SEARCH].split()[:MOST_WORDS])
    page = stall.shelf.page(talk.desk.db, _search(talk, stall, word), int(after) if after else None, talk.world.now)
    lines = list(enumerate(page.items, 1))
    options = [Option(n, "", ["command", stall.command, str(item.number), word, after]) for n, item in lines]
    if page.after:
        options += more(talk, len(lines) + 1, stall.list_command, word, str(page.after))
    values = {
        "lines": lines,
        "search": word,
        "more": len(lines) + 1 if page.after else None,
        "labels": labels(talk.world.lexicon, stall.categories, "unit"),
    }
    return Answer([Say(stall.list_template, None, values)], options)


def _search(talk: Talk, stall: Stall, word: str) -> Sequence[Wanted]:
    lexicon = talk.world.lexicon
    return [Wanted(part, lexicon.pick(stall.categories, part)) for part in word.split()]


def _find(talk: Talk, stall: Stall, number: str) -> Any:
    found = stall.shelf.find(talk.desk.db, int(number), talk.desk.person.user_id)
    if found is None:
        raise NoSuchThing(what=stall.command.removeprefix("view_"), number=int(number))
    return found


def _detail(talk: Talk, stall: Stall, found: Any, ways: dict[str, list[str]], word: str, after: str) -> Answer:
    """``ways``: what others than its owner can do next, by the name under which the template says it."""
    if stall.shelf.belongs_to(talk.desk.db, found.number, talk.desk.person.user_id):
        ways = {}
    ways = {**ways, "list": ["command", stall.list_command, word, after]}
    options = [Option(n, "", do) for n, do in enumerate(ways.values(), 1)]
    values = {
        "item": found,
        "ways": list(enumerate(ways, 1)),
        "labels": labels(talk.world.lexicon, stall.categories, "unit", "condition", "handover"),
    }
    return Answer([Say(stall.template, None, values)], options)
