"""What staff type: what waits for them, a closer look, one step forward, and an answer to somebody's call for help."""

import re

from flows.flow import Answer, Say
from flows.session import Option
from flows.wording import clean, plain
from handlers import browse
from handlers.browse import labels, with_ways
from handlers.talk import Talk
from models import review
from models.contact import matter_of
from models.staff import Staff, find_staff

# Characters of a story that fit into one message: beside the case, and by themselves.
STORY_ROOM = 150
STORY_PART = 400
# Bytes of a ticket that are shown at once, the newest; and characters of a message, before it is cut into pieces.
TICKET_ROOM = 1_400
PIECE = 300
# The largest; the others stand on a page of their own.
BUDGET_LINES = 3
# What people put between the number and their words.
_BETWEEN = " \n:：,，"
# The kind of a message that was no text, and the words with it.
_KEPT = re.compile(r"(?:\[(\w+)\] ?)?(.*)", re.DOTALL)


def todo(talk: Talk) -> Answer:
    """The oldest appeals and tickets that wait for this person, under one numbering."""
    staff = _staff(talk)
    appeals = review.waiting_appeals(talk.desk.db, staff, talk.world.now)
    tickets = review.waiting_tickets(talk.desk.db, staff)
    verbs = [["command", "look", str(appeal.id)] for appeal in appeals]
    verbs += [["command", "view_ticket", str(ticket.id)] for ticket in tickets]
    values = {
        "appeals": [(n, appeal.id, appeal.kind, appeal.title) for n, appeal in enumerate(appeals, 1)],
        "tickets": [
            (n, ticket.id, ticket.opened_at, matter_of(talk.desk.db, ticket))
            for n, ticket in enumerate(tickets, len(appeals) + 1)
        ],
        "labels": labels(talk.world.lexicon, "appeal_kind"),
    }
    options = [Option(n, "", verb) for n, verb in enumerate(verbs, 1)]
    return Answer([Say("replies/todo", None, values)], options)


def look(talk: Talk, number: str = "") -> Answer:
    """看 <号>: what everybody may see; staff of the region see the case with who asked."""
    if not number:
        return browse.appeals(talk)
    staff = find_staff(talk.desk.db, talk.desk.person.account, talk.desk.person.openid, talk.world.now)
    case = _case(talk, number)
    if staff is None or case is None:
        return browse.appeal(talk, number)
    ways: dict[str, list[str]] = {}
    if len(case.story) > STORY_ROOM:
        ways["goes_on"] = ["command", "view_story", number, str(STORY_ROOM)]
    if len(case.budget) > BUDGET_LINES:
        ways["budget"] = ["command", "view_budget", number]
    values = {
        "case": case,
        "budget": sorted(case.budget, key=lambda line: -line[1])[:BUDGET_LINES],
        "story": case.story[:STORY_ROOM],
        "decides": case.state in review.STAGES.get(staff.role, ()),
        "now": talk.world.now,
        "labels": labels(talk.world.lexicon, "appeal_category", "appeal_kind"),
    }
    return with_ways("replies/case", values, ways)


def view_story(talk: Talk, number: str, begin: str = str(STORY_ROOM)) -> Answer:
    """What did not fit into the look at a case, a part at a time from the character ``begin``."""
    case = _case(talk, number)
    if case is None:
        return browse.appeal(talk, number)
    end = int(begin) + STORY_PART
    ways = {"goes_on": ["command", "view_story", number, str(end)]} if end < len(case.story) else {}
    ways["case"] = ["command", "look", number]
    return with_ways("replies/story", {"number": case.number, "story": case.story[int(begin) : end]}, ways)


def view_budget(talk: Talk, number: str) -> Answer:
    """All lines of a case's budget."""
    case = _case(talk, number)
    if case is None:
        return browse.appeal(talk, number)
    return with_ways("replies/budget", {"case": case}, {"case": ["command", "look", number]})


def approve(talk: Talk, number: str = "") -> Answer:
    """通过 <号>; without a number, what there is to decide."""
    if not number:
        return todo(talk)
    appeal = review.approve(talk.desk.db, _staff(talk), int(number), talk.desk.person.user_id, talk.world.now)
    return Answer([Say("replies/approved", None, {"number": appeal.id, "title": appeal.title, "state": appeal.state})])


def view_ticket(talk: Talk, number: str, before: str = "") -> Answer:
    """What a ticket is about and was said in it: as much of the newest (or of what is ``before`` a piece) as fits."""
    ticket, messages = review.read_ticket(talk.desk.db, _staff(talk), int(number), talk.world.now)
    pieces = [piece for message in messages for piece in _pieces(message.words, message.author)]
    end = int(before) if before else len(pieces)
    begin = max(end - 1, 0)
    while begin and sum(map(_size, pieces[begin - 1 : end])) <= TICKET_ROOM:
        begin -= 1
    values = {"number": ticket.id, "matter": matter_of(talk.desk.db, ticket), "pieces": pieces[begin:end]}
    ways = {"earlier": ["command", "view_ticket", number, str(begin)]} if begin else {}
    return with_ways("replies/ticket", values, ways)


def answer_ticket(talk: Talk, number: str = "", words: str = "") -> Answer:
    """答复 <工单号> <话>: the words reach the person as they were typed."""
    if not number:
        return todo(talk)
    words = _as_typed(talk.message.text, words)
    review.answer_ticket(talk.desk.db, _staff(talk), int(number), words, talk.world.now)
    return Answer([Say("replies/ticket_answered", None, {"number": int(number)})])


def _staff(talk: Talk) -> Staff:
    """The staff member that dispatch has let through."""
    person = talk.desk.person
    staff = find_staff(talk.desk.db, person.account, person.openid, talk.world.now)
    assert staff is not None  # noqa: S101 - the command's table names its roles, and dispatch asked for them
    return staff


def _case(talk: Talk, number: str) -> review.Case | None:
    """None for who is no staff member, or not of this region."""
    person = talk.desk.person
    staff = find_staff(talk.desk.db, person.account, person.openid, talk.world.now)
    return review.open_case(talk.desk.db, staff, int(number), person.user_id, talk.world.now) if staff else None


def _pieces(words: str, author: str) -> list[tuple[str, str]]:
    """What was kept of a message (a person's by human.add), in pieces that fit: (kind, words).

    An answer's kind is ``staff``; that of what the person said is empty.
    """
    kind, said = ("staff", words) if author != "person" else _KEPT.fullmatch(words).groups("")  # type: ignore[union-attr]
    return [(kind, said[i : i + PIECE]) for i in range(0, max(len(said), 1), PIECE)]


def _size(piece: tuple[str, str]) -> int:
    """Bytes on the screen at most (a sign may be shown as a wider one), with room for the kind and the line's end."""
    return max(3 * len(piece[1]), len(piece[1].encode())) + 24


def _as_typed(text: str, words: str) -> str:
    """The end of the text that was matched as these words, with its own punctuation and lines."""
    raw, wanted = clean(text), plain(words)
    starts = (start for start in range(len(raw)) if plain(raw[start:]) == wanted)
    start = next(starts, None) if wanted else None
    return "" if start is None else raw[start:].strip(_BETWEEN)
