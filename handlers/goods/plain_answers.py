"""要, 不要, 只要一桶: read a household's plain words as the answer to a proposal, where they can be of nothing else.

A word alone decides only under the proposal itself, or where one proposal waits and nothing else stands on the screen;
else it is asked back with numbers. Amid a question the words belong to the question.
"""

from flows.engine.flow import Answer
from flows.goods.part import part_reader
from flows.language.wording import plain
from flows.readers.base import Accepted, Asking
from handlers.goods import matches
from handlers.routing.dispatch import run_command
from handlers.routing.talk import Talk
from models.goods.matches.answers import HOUSEHOLD_MAY_LEAVE
from models.goods.matches.views import find_line, own_lines, proposals_of

# Of these the numbered lines of a proposal are made, as a push and as a page show it.
_ANSWERS = {"want_goods", "want_part", "leave_goods"}


def answer(talk: Talk) -> Answer | None:
    """Answer the proposal that the words are of; None where they are no answer, or of something else."""
    said = _read(talk)
    user_id = talk.turn.person.user_id
    if said is None or talk.session.draft or user_id is None:
        return None
    shown = _shown(talk)
    waiting = proposals_of(talk.turn.db, user_id)
    if shown in waiting:
        return _act(talk, said, shown)
    if not waiting or talk.session.ticket or (said == "yes_here" and talk.session.choices):
        return None
    if len(waiting) == 1 and said in ("yes", "part") and not talk.session.choices:
        return _act(talk, said, waiting[0])
    return matches.ask_which_proposal(talk)


def not_any_more(talk: Talk) -> Answer | None:
    """Answer 不要了 and the like outside of a question: ask whether what was wanted before is meant.

    None where the person waits for no goods.
    """
    user_id = talk.turn.person.user_id
    if user_id is None or not talk.world.lexicon.means("goods_not_any_more", talk.message.text):
        return None
    found = own_lines(talk.turn.db, user_id, "household", states=HOUSEHOLD_MAY_LEAVE)
    lines = [line for line in found.items if not line.unwanted]
    if len(lines) == 1 and lines[0].state != "proposed":
        return matches.ask_whether_to_leave(lines[0])
    if len(lines) == 1:
        return matches.view(talk, str(lines[0].number))
    return matches.my_goods(talk) if lines else None


def _read(talk: Talk) -> str | None:
    """Tell what the words say of a proposal: yes, yes_here (a yes only under it), no, or part; None: nothing."""
    means, text = talk.world.lexicon.means, talk.message.text
    for name, said in (("goods_yes", "yes"), ("goods_yes_here", "yes_here"), ("goods_no", "no")):
        if means(name, text):
            return said
    return "part" if _part_said(talk) else None


def _part_said(talk: Talk) -> str:
    """Return what stands behind 只要 and the like (1桶, 一半); empty where the text begins with no such word.

    Behind a bare 要 it has to be a number: 要退款 is no part of anything.
    """
    said = plain(talk.message.text)
    for word in talk.world.lexicon.words["goods_only"]:
        if said.startswith(word) and said != word:
            return said.removeprefix(word).strip()
    for word in talk.world.lexicon.words["goods_want"]:
        rest = said.removeprefix(word).strip()
        if rest != said and any(_quantity(talk, rest, unit) for unit in ("piece", "jin")):
            return rest
    return ""


def _quantity(talk: Talk, text: str, unit: str) -> int | None:
    reading = part_reader(unit).read_words(text, Asking(talk.world))
    return int(reading.value) if isinstance(reading, Accepted) else None


def _act(talk: Talk, said: str, number: int) -> Answer:
    """Carry out the answer; a part that is all of it is a yes."""
    if said == "no":
        return run_command(talk, "leave_goods", [str(number)])
    line = find_line(talk.turn.db, talk.turn.person.user_id, number)
    part = _part_said(talk) if said == "part" else ""
    if part and _quantity(talk, part, line.unit) != line.quantity:
        return run_command(talk, "want_part", [str(number), part])
    return run_command(talk, "want_goods", [str(number)])


def _shown(talk: Talk) -> int | None:
    """Find the match of the only proposal on the screen; None where there is none, or several."""
    found = {option.do[2] for option in talk.session.choices if len(option.do) > 2 and option.do[1] in _ANSWERS}
    return int(found.pop()) if len(found) == 1 else None
