"""Lists to look through, five at a time, and a closer look at one thing in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.language.lexicon import Lexicon
from handlers.routing.talk import Talk
from models.appeals.appeal import NoSuchAppeal
from models.appeals.revision import waiting_for
from models.disbursements.budget import SPENDABLE
from models.donors.message_inbox import has_heard
from models.giving.matching import offers as offers_of
from models.outreach.reporting_duty import find_silent
from models.outreach.update_review import TELLABLE
from models.people.user import User
from models.public import catalogue
from models.public.catalogue import NoSuchThing, Shelf, Wanted
from models.public.views import PublicStory, find_story, find_update

MOST_WORDS = 3
LONGEST_SEARCH = 30
# Characters of a story in one message, which has room for some six hundred.
STORY_PART = 400


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
    shelf=catalogue.APPEALS,
    list_template="replies/public/appeals",
    list_command="browse_appeals",
    template="replies/appeals/appeal",
    command="view_appeal",
    categories="appeal_category",
)
REQUESTS = Stall(
    shelf=catalogue.REQUESTS,
    list_template="replies/public/requests",
    list_command="browse_requests",
    template="replies/public/request",
    command="view_request",
    categories="goods_category",
)
OFFERS = Stall(
    shelf=catalogue.OFFERS,
    list_template="replies/public/offers",
    list_command="browse_offers",
    template="replies/public/offer",
    command="view_offer",
    categories="goods_category",
)
MARKET = Stall(
    shelf=catalogue.MARKET,
    list_template="replies/public/market",
    list_command="browse_market",
    template="replies/public/listing",
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
    """One appeal; from here one gives, reads on, or goes back to the list as it was."""
    viewer = talk.desk.person.user_id
    found = catalogue.APPEALS.find(talk.desk.db, int(number), viewer)
    if found is None:
        raise NoSuchAppeal(number=int(number))
    takes_pledges = found.state == "funding" and found.deadline > talk.world.now
    own = catalogue.APPEALS.belongs_to(talk.desk.db, found.number, viewer)
    ways = {"give": ["command", "pledge", number]} if takes_pledges and not own else {}
    if own and found.state == "returned":
        ways["fix"] = ["command", "fix", number]
    ways["story"] = ["command", "public_story", number, "0", word, after]
    ways["budget"] = ["command", "public_budget", number, word, after]
    told = find_update(talk.desk.db, found.number)
    if told and told.number:
        ways["updates"] = ["command", "view_updates", number]
    if own and found.gifts and found.state in TELLABLE:
        ways["thank"] = ["command", "thank", number]
    if own and has_heard(talk.desk.db, found.number):
        ways["messages"] = ["command", "messages", number]
    if own and found.state in SPENDABLE:
        ways["use_money"] = ["command", "use_money", number]
    matching = offers_of(talk.desk.db, found.number, talk.world.now)
    revising = own and waiting_for(talk.desk.db, found.number) is not None
    silent = find_silent(talk.desk.db, found.number, talk.world.now)
    facts = {"revising": revising, "told": told, "matching": matching, "silent": ("own" if own else "other") * silent}
    return _detail(talk, APPEALS, found, ways, own, word, after, **facts)


def story(talk: Talk, number: str, begin: str = "0", word: str = "", after: str = "") -> Answer:
    """What the asker wrote, a part at a time from the character ``begin``."""
    found = _story(talk, number)
    end = int(begin) + STORY_PART
    ways = {}
    if end < len(found.story):
        ways["goes_on"] = ["command", "public_story", number, str(end), word, after]
    ways["budget"] = ["command", "public_budget", number, word, after]
    values = {"part": found.story[int(begin) : end], "first": begin == "0"}
    return _page(talk, "replies/appeals/public_story", found, values, ways, word, after)


def budget(talk: Talk, number: str, word: str = "", after: str = "") -> Answer:
    """What the money is for, line by line."""
    ways = {"story": ["command", "public_story", number, "0", word, after]}
    return _page(talk, "replies/appeals/public_budget", _story(talk, number), {}, ways, word, after)


def request(talk: Talk, number: str, word: str = "", after: str = "") -> Answer:
    found, own = _find(talk, REQUESTS, number)
    ways = {"give": ["command", "give_requested", number]} if found.state == "open" and not own else {}
    return _detail(talk, REQUESTS, found, ways, own, word, after)


def offer(talk: Talk, number: str, word: str = "", after: str = "") -> Answer:
    """A donor is not told that they could take: only a household may."""
    found, own = _find(talk, OFFERS, number)
    may_take = found.state == "available" and not own and role(talk) != "donor"
    ways = {"ask": ["command", "take_offer", number]} if may_take else {}
    return _detail(talk, OFFERS, found, ways, own, word, after)


def listing(talk: Talk, number: str, word: str = "", after: str = "") -> Answer:
    found, own = _find(talk, MARKET, number)
    sold_here = found.state == "on_sale" and found.shop_url is None
    ways = {"buy": ["command", "buy", number]} if sold_here and not own else {}
    return _detail(talk, MARKET, found, ways, own, word, after)


def role(talk: Talk) -> str | None:
    """``resident`` or ``donor``; None for somebody who has not registered."""
    person = talk.desk.person
    user = talk.desk.db.get(User, person.user_id) if person.user_id else None
    return user.role if user else None


def labels(lexicon: Lexicon, *choice_sets: str) -> dict[str, dict[str, str]]:
    """What templates need to say keys in words: choice set -> key -> label."""
    return {name: dict(lexicon.options(name)) for name in choice_sets}


def more(talk: Talk, number: int, command: str, *arguments: str) -> list[Option]:
    """The line that turns the page, under its number and under each of its words."""
    return [Option(number, word, ["command", command, *arguments]) for word in talk.world.lexicon.words["more"]]


def with_ways(template: str, values: dict[str, Any], ways: dict[str, list[str]]) -> Answer:
    """``ways``: what can be done next, by the name under which the template says it, numbered in this order."""
    options = [Option(number, "", do) for number, do in enumerate(ways.values(), 1)]
    return Answer([Say(template, None, {**values, "ways": list(enumerate(ways, 1))})], options)


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
        "role": role(talk),
        "labels": labels(talk.world.lexicon, stall.categories, "unit"),
    }
    return Answer([Say(stall.list_template, None, values)], options)


def _search(talk: Talk, stall: Stall, word: str) -> Sequence[Wanted]:
    lexicon = talk.world.lexicon
    return [Wanted(part, lexicon.pick(stall.categories, part)) for part in word.split()]


def _find(talk: Talk, stall: Stall, number: str) -> tuple[Any, bool]:
    """The thing, and whether it is this person's own."""
    viewer = talk.desk.person.user_id
    found = stall.shelf.find(talk.desk.db, int(number), viewer)
    if found is None:
        raise NoSuchThing(what=stall.command.removeprefix("view_"), number=int(number))
    return found, stall.shelf.belongs_to(talk.desk.db, found.number, viewer)


def _story(talk: Talk, number: str) -> PublicStory:
    found = find_story(talk.desk.db, int(number), talk.desk.person.user_id)
    if found is None:
        raise NoSuchAppeal(number=int(number))
    return found


def _detail(
    talk: Talk,
    stall: Stall,
    found: Any,
    ways: dict[str, list[str]],
    own: bool,
    word: str,
    after: str,
    **facts: Any,
) -> Answer:
    """The thing's page: ``ways``, then back to where one was."""
    ways = {**ways, "list": ["command", stall.list_command, word, after]}
    if own:
        ways["mine"] = ["command", "mine"]
    values = {
        "item": found,
        "now": talk.world.now,
        "labels": labels(talk.world.lexicon, stall.categories, "unit", "condition", "handover"),
        **facts,
    }
    return with_ways(stall.template, values, ways)


def _page(
    talk: Talk,
    template: str,
    found: PublicStory,
    values: dict[str, Any],
    ways: dict[str, list[str]],
    word: str,
    after: str,
) -> Answer:
    """A page of an appeal that one turns to from its first, and goes back from: the owner to what is theirs."""
    back = {"mine": ["command", "mine"]} if found.own else {}
    ways = {**ways, "appeal": ["command", "view_appeal", str(found.number), word, after], **back}
    return with_ways(template, {"item": found, **values}, ways)
