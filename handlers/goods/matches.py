"""要, 不要, 只要一部分: a household answers what a round proposes to it, and sees where its goods are."""

from dataclasses import replace

from flows.engine.flow import Answer
from flows.engine.session import Option
from flows.goods.part import part_flow
from flows.goods.wanted import wanted_facts
from handlers.goods.match_page import household_ways, page
from handlers.routing.answers import one_page, with_ways
from handlers.routing.dispatch import finish
from handlers.routing.talk import Talk
from models.goods.matches import answers
from models.goods.matches.record import record_of_household
from models.goods.matches.views import MatchLine, find_line, own_lines, proposals_of
from models.people.user import get_user


def view(talk: Talk, number: str) -> Answer:
    """Show one of the person's matches, with what they may do with it now. Raises NoSuchThing."""
    return page(talk, find_line(talk.turn.db, talk.turn.person.user_id, int(number)))


def my_goods(talk: Talk, after: str = "") -> Answer:
    """List what is on its way to the person's household, the newest first."""
    db, word = talk.turn.db, talk.world.lexicon.words["mine"][0]
    user = get_user(db, talk.turn.person.user_id, then=word)
    found = own_lines(db, user.id, "household", after=int(after) if after else None)
    lines = list(enumerate(found.items, 1))
    options = [Option(n, "", ["command", "view_match", str(line.number)]) for n, line in lines]
    record = record_of_household(db, user.household_id, talk.world.now) if user.household_id else None
    turn = ["my_goods", str(found.after)] if found.after else None
    return one_page(talk, "replies/goods/matches", {"lines": lines, "record": record}, options, turn)


def want(talk: Talk, number: str) -> Answer:
    """Take all that is proposed. Raises NoSuchThing or MatchMoved."""
    held = answers.want(talk.turn.db, talk.turn.person.user_id, int(number), None, talk.world.now)
    return with_ways("replies/goods/wanted", wanted_facts(held), household_ways(held.match.id, held.match.state))


def want_part(talk: Talk, number: str, said: str = "") -> Answer:
    """Ask how much of it the household wants, or read it from what it ``said`` already.

    Raises NoSuchThing, MatchMoved or CannotPart.
    """
    held = answers.check_part(talk.turn.db, talk.turn.person.user_id, int(number))
    asked = talk.start(part_flow(held.offer.unit), {"match": held.match.id})
    draft = talk.session.draft
    if not said or draft is None:
        return asked
    message = replace(talk.message, text=said)
    return finish(talk, talk.engine.read_message(talk.session, draft, message, talk.world))


def leave(talk: Talk, number: str, sure: str = "") -> Answer:
    """Leave what is proposed to others; what was wanted before is left only once the person is sure.

    Raises NoSuchThing or MatchMoved.
    """
    user_id, db = talk.turn.person.user_id, talk.turn.db
    line = find_line(db, user_id, int(number))
    wanted = line.state != "proposed" and line.state in answers.HOUSEHOLD_MAY_LEAVE and not line.unwanted
    if wanted and not sure:
        return ask_whether_to_leave(line)
    held = answers.leave(db, user_id, int(number), talk.world.now)
    values = {"line": line, "state": held.match.state, "request": held.request.id}
    return with_ways("replies/goods/left", values, {"mine": ["command", "mine"]})


def ask_whether_to_leave(line: MatchLine) -> Answer:
    """Ask whether the household really does not want it any more."""
    number = str(line.number)
    ways = {"leave": ["command", "leave_goods", number, "sure"], "keep": ["command", "view_match", number]}
    return with_ways("replies/goods/leave_it", {"line": line}, ways)


def ask_which_proposal(talk: Talk) -> Answer | None:
    """Show the proposal that waits for the person's answer, or list them; None where there is none."""
    user_id = talk.turn.person.user_id
    waiting = proposals_of(talk.turn.db, user_id) if user_id else []
    if len(waiting) == 1:
        return view(talk, str(waiting[0]))
    return my_goods(talk) if waiting else None
