"""What staff type: what waits for them, a closer look, one step forward, and an answer to somebody's call for help."""

from flows.flow import Answer, Say
from flows.session import Option
from flows.wording import clean, plain
from handlers import browse
from handlers.browse import labels
from handlers.talk import Talk
from models import review
from models.staff import Staff, find_staff

# Characters of Chinese that fit into one message: of a story beside its budget, of a ticket by itself.
STORY_ROOM = 200
TICKET_ROOM = 500
# What people put between the number and their words.
_BETWEEN = " \n:：,，"


def todo(talk: Talk) -> Answer:
    """The oldest appeals and tickets that wait for this person, under one numbering."""
    staff = _staff(talk)
    appeals = review.waiting_appeals(talk.desk.db, staff)
    tickets = review.waiting_tickets(talk.desk.db, staff)
    verbs = [["command", "look", str(appeal.id)] for appeal in appeals]
    verbs += [["command", "view_ticket", str(ticket.id)] for ticket in tickets]
    values = {
        "appeals": [(n, appeal.id, appeal.kind, appeal.title) for n, appeal in enumerate(appeals, 1)],
        "tickets": [(n, ticket.id, ticket.opened_at) for n, ticket in enumerate(tickets, len(appeals) + 1)],
        "labels": labels(talk.world.lexicon, "appeal_kind"),
    }
    options = [Option(n, "", verb) for n, verb in enumerate(verbs, 1)]
    return Answer([Say("replies/todo", None, values)], options)


def look(talk: Talk, number: str = "") -> Answer:
    """看 <号>: what everybody may see; staff of the region see the case with who asked."""
    if not number:
        return browse.appeals(talk)
    staff = find_staff(talk.desk.db, talk.desk.person.account, talk.desk.person.openid, talk.world.now)
    case = review.open_case(talk.desk.db, staff, int(number), talk.world.now) if staff else None
    if staff is None or case is None:
        return browse.appeal(talk, number)
    values = {
        "case": case,
        "story": case.story[:STORY_ROOM],
        "goes_on": len(case.story) > STORY_ROOM,
        "decides": case.state in review.STAGES.get(staff.role, ()),
        "labels": labels(talk.world.lexicon, "appeal_category", "appeal_kind"),
    }
    options = [Option(1, "", ["command", "view_story", number])] if len(case.story) > STORY_ROOM else []
    return Answer([Say("replies/case", None, values)], options)


def view_story(talk: Talk, number: str) -> Answer:
    """What did not fit into the look at a case."""
    case = review.open_case(talk.desk.db, _staff(talk), int(number), talk.world.now)
    if case is None:
        return browse.appeal(talk, number)
    return Answer([Say("replies/story", None, {"number": case.number, "story": case.story[STORY_ROOM:]})])


def approve(talk: Talk, number: str = "") -> Answer:
    """通过 <号>; without a number, what there is to decide."""
    if not number:
        return todo(talk)
    appeal = review.approve(talk.desk.db, _staff(talk), int(number), talk.desk.person.user_id, talk.world.now)
    return Answer([Say("replies/approved", None, {"number": appeal.id, "title": appeal.title, "state": appeal.state})])


def view_ticket(talk: Talk, number: str) -> Answer:
    """What somebody said after 人工, as much of the newest as fits."""
    messages = review.read_ticket(talk.desk.db, _staff(talk), int(number), talk.world.now)
    lines: list[str] = []
    room = TICKET_ROOM
    for message in reversed(messages):
        if len(message.words) > room and lines:
            break
        lines.insert(0, message.words[:TICKET_ROOM])
        room -= len(lines[0])
    values = {"number": int(number), "lines": lines, "earlier": len(messages) - len(lines)}
    return Answer([Say("replies/ticket", None, values)])


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


def _as_typed(text: str, words: str) -> str:
    """The end of the text that was matched as these words, with its own punctuation and lines."""
    raw, wanted = clean(text), plain(words)
    starts = (start for start in range(len(raw)) if plain(raw[start:]) == wanted)
    start = next(starts, None) if wanted else None
    return "" if start is None else raw[start:].strip(_BETWEEN)
