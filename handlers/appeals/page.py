"""The public pages of one appeal: the appeal, its story a part at a time, and its budget."""

from typing import Any

from flows.engine.flow import Answer
from handlers.public.appeal_page import page_link
from handlers.public.catalogue import APPEALS, detail, ways_to_give
from handlers.public.poster import follow_with_card
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from models.appeals.appeal import NoSuchAppeal, get_appeal
from models.appeals.beneficiary import asks_as
from models.appeals.reopening import is_reopenable
from models.appeals.revision import undecided_revision
from models.disbursements.budget import SPENDABLE
from models.donors.message_inbox import has_messages
from models.giving.matching import matching_offers
from models.giving.pledge import is_collected
from models.organisations.collector import find_collector
from models.outreach.reporting_duty import has_overdue_update
from models.outreach.update_review import TAKES_UPDATES
from models.public.appeal_page import can_have_page
from models.public.views import PublicStory, find_story, find_update

# Characters of a story in one message, which has room for some six hundred.
STORY_PART = 400


def appeal(talk: Talk, number: str, word: str = "", after: str = "") -> Answer:
    """Show one appeal with the ways to give, to read on, or to go back to the list; its card follows.

    Raises NoSuchAppeal.
    """
    viewer = talk.turn.person.user_id
    found = APPEALS.catalogue.find(talk.turn.db, int(number), viewer)
    if found is None:
        raise NoSuchAppeal(number=int(number))
    own = APPEALS.catalogue.belongs_to(talk.turn.db, found.number, viewer)
    row = get_appeal(talk.turn.db, found.number)
    ways = ways_to_give(talk, number)
    if own and found.state == "returned":
        ways["fix"] = ["command", "fix", f"appeal:{number}"]
    if own and is_reopenable(found.state, found.published_at):
        ways["reopen"] = ["command", "reopen", number]
    ways["story"] = ["command", "public_story", number, "0", word, after]
    ways["budget"] = ["command", "public_budget", number, word, after]
    told = find_update(talk.turn.db, found.number)
    if told and told.number:
        ways["updates"] = ["command", "view_updates", number]
    if own and found.gifts and found.state in TAKES_UPDATES:
        ways["thank"] = ["command", "thank", number]
    if own and has_messages(talk.turn.db, found.number):
        ways["messages"] = ["command", "messages", number]
    if own and found.state in SPENDABLE:
        ways["use_money"] = ["command", "use_money", number]
    if own and can_have_page(talk.turn.db, row, talk.world.now):
        ways["page"] = ["command", "appeal_page", number]
    matching = matching_offers(talk.turn.db, found.number, talk.world.now)
    revising = own and undecided_revision(talk.turn.db, found.number) is not None
    silent = has_overdue_update(talk.turn.db, found.number, talk.world.now)
    collector = find_collector(talk.turn.db, row.charity_id, row.filing_id)
    facts = {"revising": revising, "told": told, "matching": matching, "silent": ("own" if own else "other") * silent}
    facts["link"] = page_link(talk, found.number)
    if facts["link"]:
        follow_with_card(talk, found.number)
    collected = is_collected(talk.turn.db, row)
    return detail(
        talk,
        APPEALS,
        found,
        ways,
        own,
        word,
        after,
        collector=collector,
        collected=collected,
        asks_as=asks_as(talk.turn.db, row),
        **facts,
    )


def story(talk: Talk, number: str, begin: str = "0", word: str = "", after: str = "") -> Answer:
    """Show the owner's story, a part at a time from the character ``begin``. Raises NoSuchAppeal."""
    found = _story(talk, number)
    end = int(begin) + STORY_PART
    ways = {}
    if end < len(found.story):
        ways["goes_on"] = ["command", "public_story", number, str(end), word, after]
    ways["budget"] = ["command", "public_budget", number, word, after]
    values = {"part": found.story[int(begin) : end], "first": begin == "0"}
    return _page(talk, "replies/appeals/public_story", found, values, ways, word, after)


def budget(talk: Talk, number: str, word: str = "", after: str = "") -> Answer:
    """Show the budget line by line. Raises NoSuchAppeal."""
    ways = {"story": ["command", "public_story", number, "0", word, after]}
    return _page(talk, "replies/appeals/public_budget", _story(talk, number), {}, ways, word, after)


def _story(talk: Talk, number: str) -> PublicStory:
    found = find_story(talk.turn.db, int(number), talk.turn.person.user_id)
    if found is None:
        raise NoSuchAppeal(number=int(number))
    return found


def _page(
    talk: Talk,
    template: str,
    found: PublicStory,
    values: dict[str, Any],
    ways: dict[str, list[str]],
    word: str,
    after: str,
) -> Answer:
    """Render a page with the way back to the appeal, and for its owner to their own list, for others to give."""
    back = {"mine": ["command", "mine"]} if found.own else ways_to_give(talk, str(found.number))
    ways = {**ways, "appeal": ["command", "view_appeal", str(found.number), word, after], **back}
    return with_ways(template, {"item": found, **values}, ways)
