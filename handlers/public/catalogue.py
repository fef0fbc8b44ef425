"""Show the public lists, a page at a time, and one item of a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flows.engine.flow import Answer
from flows.engine.session import Option
from flows.engine.world import Region
from handlers.goods.match_list import MATCHED, match_ways, own_matches
from handlers.people.own_things import ways_of_owner
from handlers.routing.answers import labels, one_page, with_ways
from handlers.routing.talk import Talk
from models.appeals.appeal import Appeal
from models.giving.pledge import takes_gifts
from models.goods.exchange import NoSuchThing
from models.goods.expiry import is_asked
from models.goods.review import KINDS as GOODS
from models.goods.review import reasons_of
from models.market.campaigns.views import any_open
from models.people.user import User
from models.public import catalogue
from models.public.album import LISTINGS
from models.public.catalogue import Catalogue, SearchTerm
from models.public.follow_up import ask_for_listing_card
from models.public.listing_page import is_open
from models.public.photos import count_approved

MOST_WORDS = 3
LONGEST_SEARCH = 30
_LONGEST_NUMBER = 15


@dataclass(frozen=True, slots=True)
class CatalogueView:
    """A catalogue with its templates and commands, for the list and for one item, and its categories' choice set."""

    catalogue: Catalogue[Any]
    list_template: str
    list_command: str
    template: str
    command: str
    categories: str


APPEALS = CatalogueView(
    catalogue=catalogue.APPEALS,
    list_template="replies/public/appeals",
    list_command="browse_appeals",
    template="replies/appeals/appeal",
    command="view_appeal",
    categories="appeal_category",
)
REQUESTS = CatalogueView(
    catalogue=catalogue.REQUESTS,
    list_template="replies/public/requests",
    list_command="browse_requests",
    template="replies/public/request",
    command="view_request",
    categories="goods_category",
)
OFFERS = CatalogueView(
    catalogue=catalogue.OFFERS,
    list_template="replies/public/offers",
    list_command="browse_offers",
    template="replies/public/offer",
    command="view_offer",
    categories="goods_category",
)
MARKET = CatalogueView(
    catalogue=catalogue.MARKET,
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
    """List what is on sale; a number alone is a listing's (集市 3)."""
    if word.isascii() and word.isdigit() and len(word) <= _LONGEST_NUMBER:
        return listing(talk, word)
    return _list(talk, MARKET, word, after)


def request(talk: Talk, number: str, word: str = "", after: str = "") -> Answer:
    found, own = _find(talk, REQUESTS, number)
    ways = {"give": ["command", "give_requested", number]} if found.state == "open" and not own else {}
    return detail(talk, REQUESTS, found, ways, own, word, after)


def offer(talk: Talk, number: str, word: str = "", after: str = "") -> Answer:
    """Show an offer; a donor gets no option to take it, since only a household may."""
    found, own = _find(talk, OFFERS, number)
    may_take = found.state == "available" and not own and role(talk) != "donor"
    ways = {"ask": ["command", "take_offer", number]} if may_take else {}
    return detail(talk, OFFERS, found, ways, own, word, after)


def listing(talk: Talk, number: str, word: str = "", after: str = "") -> Answer:
    found, own = _find(talk, MARKET, number)
    sold_here = found.state == "on_sale" and found.shop_url is None and not own
    orderable = found.available and found.lot != "locked"
    buying = {"buy": ["command", "buy", number]} if sold_here and orderable else {}
    ways = {**buying, "ask_about": ["command", "ask_about", number]} if sold_here else {}
    db = talk.turn.db
    if own and count_approved(db, found.number, LISTINGS):
        ways["take_photos_down"] = ["command", "take_photos_down", f"listing:{number}"]
    link = talk.world.link("listing", str(found.number)) if is_open(db, found.number) else ""
    if link:
        _follow_with_card(talk, found.number)
    return detail(talk, MARKET, found, ways, own, word, after, link=link)


def scanned_listing(talk: Talk, number: str) -> Answer:
    """Open the listing whose code was scanned; a scene without a number is none of ours, and opens the list."""
    return listing(talk, number) if number.isdecimal() else market(talk)


def _follow_with_card(talk: Talk, number: int) -> None:
    """Let the listing's card, with its picture, follow the reply."""
    asked = ask_for_listing_card(talk.turn.db, number, talk.turn.person.conversation_id, talk.world.now)
    if asked:
        talk.turn.jobs.append(("send_follow_up", asked))


def ways_to_give(talk: Talk, number: str) -> dict[str, list[str]]:
    """Offer to give to this appeal, while it can be given to; its owner is offered nothing."""
    appeal = talk.turn.db.get(Appeal, int(number))
    if appeal is None or appeal.owner_id == talk.turn.person.user_id:
        return {}
    takes = takes_gifts(talk.turn.db, appeal, talk.world.now)
    return {"give": ["command", "pledge", number]} if takes else {}


def role(talk: Talk) -> str | None:
    """Return ``resident`` or ``donor``; None for a person who has not registered."""
    person = talk.turn.person
    user = talk.turn.db.get(User, person.user_id) if person.user_id else None
    return user.role if user else None


def detail(
    talk: Talk,
    view: CatalogueView,
    found: Any,
    ways: dict[str, list[str]],
    own: bool,
    word: str,
    after: str,
    **facts: Any,
) -> Answer:
    """Show the item's page with the options ``ways``, then the one that goes back to the list, then to report it."""
    subject = view.command.removeprefix("view_")
    if own and subject in GOODS:
        renews = is_asked(talk.turn.db, subject, found.number)
        renewing = {"renew_goods": ["command", "renew_goods", f"{subject}:{found.number}"]} if renews else {}
        ways = {**ways, **renewing, **ways_of_owner(talk, subject, found.number, found.state)}
        returned = found.state in ("returned", "rejected", "suspended")
        facts["reasons"] = reasons_of(talk.turn.db, subject, found.number) if returned else []
        if subject in MATCHED:
            facts["matches"] = own_matches(talk, subject, found.number)
            ways = {**match_ways(facts["matches"], subject, found.number), **ways}
        if subject == "request" and found.state == "open":
            ways["why"] = ["command", "why_place", str(found.number)]
    ways = {**ways, "list": ["command", view.list_command, word, after]}
    if own:
        ways["mine"] = ["command", "mine"]
    else:
        ways["report"] = ["command", "report", f"{view.command.removeprefix('view_')}:{found.number}"]
    values = {
        "item": found,
        "now": talk.world.now,
        "labels": labels(talk.world.lexicon, view.categories, "unit", "condition", "handover"),
        "reasons": [],
        "matches": None,
        **facts,
    }
    return with_ways(view.template, values, ways)


def _list(talk: Talk, view: CatalogueView, word: str, after: str) -> Answer:
    word = " ".join(word[:LONGEST_SEARCH].split()[:MOST_WORDS])
    near, others = _place_in(talk, word.split())
    search, code = _search(talk, view, others), near.code if near else None
    page = view.catalogue.page(talk.turn.db, search, talk.world.now, near=code, after=after)
    lines = list(enumerate(page.items, 1))
    options = [Option(n, "", ["command", view.command, str(item.number), word, after]) for n, item in lines]
    values = {
        "lines": lines,
        "search": word,
        "near": near.name if near else "",
        "role": role(talk),
        "labels": labels(talk.world.lexicon, view.categories, "unit"),
        "campaigns": view is MARKET and not after and any_open(talk.turn.db, talk.world.now),
        "links": {item.number: talk.world.link("listing", str(item.number)) for _, item in lines if view is MARKET},
    }
    turn = [view.list_command, word, page.after] if page.after else None
    return one_page(talk, view.list_template, values, options, turn)


def _place_in(talk: Talk, words: Sequence[str]) -> tuple[Region | None, Sequence[str]]:
    """Take the first word that names one place, and is no more than its name; return the place and the other words."""
    for at, word in enumerate(words):
        found = talk.world.find_regions(word)
        if len(found) == 1 and (found[0].name.startswith(word) or word.endswith(found[0].name)):
            return found[0].today, [*words[:at], *words[at + 1 :]]
    return None, words


def _search(talk: Talk, view: CatalogueView, words: Sequence[str]) -> Sequence[SearchTerm]:
    lexicon = talk.world.lexicon
    return [SearchTerm(part, lexicon.pick(view.categories, part)) for part in words]


def _find(talk: Talk, view: CatalogueView, number: str) -> tuple[Any, bool]:
    """Return the item, and whether it is this person's own. Raises NoSuchThing."""
    viewer = talk.turn.person.user_id
    found = view.catalogue.find(talk.turn.db, int(number), viewer)
    if found is None:
        raise NoSuchThing(what=view.command.removeprefix("view_"), number=int(number))
    return found, view.catalogue.belongs_to(talk.turn.db, found.number, viewer)
