"""List the matches of one's own request or offer: on its page the newest, and all of them a page at a time."""

from flows.engine.flow import Answer
from flows.engine.session import Option
from handlers.routing.answers import one_page
from handlers.routing.talk import Talk
from handlers.staff.seat import parse_reference
from models.core.paging import Page
from models.goods.exchange import NoSuchThing
from models.goods.matches.answers import Side
from models.goods.matches.match import MATCH_MACHINE
from models.goods.matches.views import MatchLine, own_lines

# Kind of thing with matches -> the side of a match that its owner is on.
MATCHED: dict[str, Side] = {"request": "household", "offer": "donor"}
# On the thing's own page.
_MOST_ON_PAGE = 3
_ANY_STATE = tuple(MATCH_MACHINE.states)
_LINE, _ALL = "match:", "matches"


def own_matches(talk: Talk, subject: str, number: int) -> Page[MatchLine]:
    """Return the newest matches of the person's request or offer, in any state."""
    user_id = talk.turn.person.user_id or 0
    return own_lines(talk.turn.db, user_id, MATCHED[subject], thing=number, states=_ANY_STATE, most=_MOST_ON_PAGE)


def match_ways(found: Page[MatchLine], subject: str, number: int) -> dict[str, list[str]]:
    """Make the numbered lines of these matches on the thing's page, and the one to all of them."""
    ways = {f"{_LINE}{line.number}": ["command", "view_match", str(line.number)] for line in found.items}
    return {**ways, **({_ALL: ["command", "matches_of", f"{subject}:{number}"]} if found.after else {})}


def matches_of(talk: Talk, reference: str, after: str = "") -> Answer:
    """List all matches of the person's request or offer. Only a numbered line leads here. Raises NoSuchThing."""
    subject, number = parse_reference(reference)
    user_id = talk.turn.person.user_id
    if user_id is None or subject not in MATCHED:
        raise NoSuchThing(what="match", number=number)
    side, before = MATCHED[subject], int(after) if after else None
    found = own_lines(talk.turn.db, user_id, side, thing=number, states=_ANY_STATE, after=before)
    lines = list(enumerate(found.items, 1))
    options = [Option(n, "", ["command", "view_match", str(line.number)]) for n, line in lines]
    turn = ["matches_of", reference, str(found.after)] if found.after else None
    return one_page(
        talk, "replies/goods/matches_of", {"lines": lines, "subject": subject, "number": number}, options, turn
    )
