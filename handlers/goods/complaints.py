"""没领到, 东西不对, 收到: a household says whether it has what was handed out to it, and what is wrong with it."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.goods import matches
from handlers.goods.match_page import household_ways
from handlers.routing.answers import one_page, with_ways
from handlers.routing.talk import Talk
from models.core.state_machine import Actor
from models.goods.matches import holding, issues
from models.goods.matches.answers import hold_own_match, moved
from models.goods.matches.views import PAGE, find_line, own_lines
from models.people.user import get_user

# What was handed out; the newest are listed.
_GOT = ("collected", "confirmed")


def not_got(talk: Talk, number: str = "") -> Answer:
    """Ask what is wrong with what was handed out; without a number which, or show where the person's goods are.

    Raises NoSuchThing, NotHandedOut, ComplaintTooLate or SaidBefore.
    """
    db, now = talk.turn.db, talk.world.now
    if not number:
        return _which(talk, "not_got", "complain") or matches.my_goods(talk)
    held = hold_own_match(db, talk.turn.person.user_id, int(number), "household")
    issues.check_complaint(db, held.match, now)
    return ask_what(talk, talk.turn.person.user_id, int(number), ["say_wrong", number], ["view_match", number])


def ask_what(talk: Talk, user_id: int | None, number: int, command: list[str], back: list[str]) -> Answer:
    """List what may be wrong with a household's match, as numbered lines of the command, and one that goes back."""
    listed = talk.world.lexicon.options("match_wrong")
    options = [Option(n, "", ["command", *command, what]) for n, (what, _) in enumerate(listed, 1)]
    options.append(Option(len(listed) + 1, "", ["command", *back]))
    lines = [(n, label) for n, (_, label) in enumerate(listed, 1)]
    line = find_line(talk.turn.db, user_id, number)
    return Answer([Say("replies/goods/what_is_wrong", None, {"line": line, "lines": lines})], options)


def say_wrong(talk: Talk, number: str, what: str) -> Answer:
    """Record it, for the township to look into. Only a numbered line leads here.

    Raises NoSuchThing, NotHandedOut, ComplaintTooLate or SaidBefore.
    """
    issues.complain(talk.turn.db, talk.turn.person.user_id, int(number), what, talk.world.now)
    line = find_line(talk.turn.db, talk.turn.person.user_id, int(number))
    return with_ways("replies/goods/said_wrong", {"line": line}, {"mine": ["command", "mine"]})


def have_goods(talk: Talk, number: str) -> Answer:
    """Note that the household has it. Raises NoSuchThing or MatchMoved."""
    held = hold_own_match(talk.turn.db, talk.turn.person.user_id, int(number), "household")
    if held.match.state != "collected":
        raise moved(held, "household")
    holding.confirm(talk.turn.db, held, Actor.owner(held.request.owner_id), talk.world.now)
    line = find_line(talk.turn.db, talk.turn.person.user_id, int(number))
    ways = household_ways(line.number, line.state) | {"mine": ["command", "mine"]}
    return with_ways("replies/goods/have_it", {"line": line}, ways)


def ask_whether_got(talk: Talk) -> Answer | None:
    """Ask about what was handed out lately, as the person says 收到; None where nothing was."""
    return _which(talk, "have_goods", "got", ("collected",))


def ask_for_which_goods(talk: Talk) -> Answer | None:
    """Ask for which of the goods the person thanks; None where nothing was handed out to them."""
    return _which(talk, "thank_goods", "thank")


def _which(talk: Talk, command: str, asks: str, states: tuple[str, ...] = _GOT) -> Answer | None:
    """List what was handed out, as numbered lines of the command; one goes straight to it. None: there is nothing."""
    db, word = talk.turn.db, talk.world.lexicon.words["mine"][0]
    user = get_user(db, talk.turn.person.user_id, then=word)
    found = own_lines(db, user.id, "household", states=states, most=PAGE).items
    if not found:
        return None
    if len(found) == 1 and command == "not_got":
        return not_got(talk, str(found[0].number))
    lines = list(enumerate(found, 1))
    options = [Option(n, "", ["command", command, str(line.number)]) for n, line in lines]
    return one_page(talk, "replies/goods/which_got", {"lines": lines, "asks": asks}, options, None)
