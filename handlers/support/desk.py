"""Let an officer read a ticket, answer it and close it."""

import re
from typing import Any

from flows.engine.flow import Answer, Say
from flows.language.wording import clean, plain
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from handlers.staff.seat import staff_of
from handlers.staff.todo import todo
from models.support import desk
from models.support.introduction import DECISIONS, topic_of_ticket
from models.support.ticket import TicketMessage

# How many bytes of a ticket are shown at once, and how many characters one piece of a message has at most.
TICKET_ROOM = 1_400
PIECE = 300
# Begins every piece of a message but the first, which would otherwise look like a line of its own.
CONTINUED = "…"
# Characters that people type between the number and their words.
_BETWEEN = " \n:：,，"
# The kind of a message that is no text, as handlers.support.call keeps it, and the words with it.
_KEPT = re.compile(r"(?:\[(image|voice|video|shortvideo|location|link|unknown)\] ?)?(.*)")
# The labels of the template stand in these brackets: without them nobody types a label, such as that of an answer.
_NO_LABEL = str.maketrans("［］", "[]")


def view_ticket(talk: Talk, number: str, before: str = "") -> Answer:
    """Show a ticket's topic and as many of its newest pieces as fit; ``before``: of the pieces before this one.

    ``before`` is the message's id and the number of the piece in it; any other shows the newest.
    """
    last, _, part = before.partition("-")
    until = int(last) if part else None
    ticket, messages = desk.read_ticket(talk.turn.db, staff_of(talk), int(number), talk.world.now, until)
    places = [(f"{each.id}-{index}", piece) for each in messages for index, piece in enumerate(_pieces(each))]
    pieces = [piece for _, piece in places]
    end = next((at for at, (place, _) in enumerate(places) if place == before), len(pieces))
    begin = max(end - 1, 0)
    while begin and sum(map(_size, pieces[begin - 1 : end])) <= TICKET_ROOM:
        begin -= 1
    topic = topic_of_ticket(talk.turn.db, ticket)
    reach = desk.contact_of(talk.turn.db, ticket) if ticket.urgent else None
    values: dict[str, Any] = {"number": ticket.id, "topic": topic, "pieces": pieces[begin:end], "reach": reach}
    values["police"] = talk.world.lexicon.danger.numbers["police"]
    ways = {"earlier": ["command", "view_ticket", number, places[begin][0]]} if begin else {}
    if ticket.state == "answered":
        ways["end"] = ["command", "end_ticket", number]
    if topic and topic.kind in DECISIONS:
        ways["decided"] = ["command", "look", f"{topic.kind}:{topic.number}"]
    if topic and topic.kind == "report" and topic.detail in DECISIONS:
        ways["reported"] = ["command", "look", f"{topic.detail}:{topic.number}"]
    return with_ways("replies/support/ticket", values, ways)


def answer_ticket(talk: Talk, number: str = "", words: str = "") -> Answer:
    """答复 <工单号> <话>: answer a ticket; the words reach the person as they were typed."""
    if not number:
        return todo(talk)
    words = _as_typed(talk.message.text, words)
    desk.answer_ticket(talk.turn.db, staff_of(talk), int(number), words, talk.world.now)
    ways = {"end": ["command", "end_ticket", number]}
    return with_ways("replies/support/ticket_answered", {"number": int(number)}, ways)


def end_ticket(talk: Talk, number: str = "") -> Answer:
    """关工单 <工单号>: close a ticket in which nothing waits for an answer."""
    if not number:
        return todo(talk)
    helpline = talk.world.lexicon.danger.numbers["talk"]
    desk.end_ticket(talk.turn.db, staff_of(talk), int(number), helpline, talk.world.now)
    return Answer([Say("replies/support/ticket_ended", None, {"number": int(number)})])


def _pieces(message: TicketMessage) -> list[tuple[str, str]]:
    """Cut a kept message into pieces that fit: (kind, words).

    An answer's kind is ``staff``; that of a person's text is empty.
    """
    kind, said = "staff", message.words
    if message.author == "person":
        # In one line, since a second one could be mistaken for a line of ours.
        words = " ".join(message.words.translate(_NO_LABEL).split())
        kind, said = _KEPT.fullmatch(words).groups("")  # type: ignore[union-attr]
    starts = range(0, max(len(said), 1), PIECE)
    return [(kind, f"{CONTINUED if start else ''}{said[start : start + PIECE]}") for start in starts]


def _size(piece: tuple[str, str]) -> int:
    """Bound the bytes of a piece as shown (a wider character may replace one), with its kind and line end."""
    return max(3 * len(piece[1]), len(piece[1].encode())) + 24


def _as_typed(text: str, words: str) -> str:
    """Return the end of the text that was matched as these words, with its original punctuation and lines."""
    raw, wanted = clean(text), plain(words)
    starts = (start for start in range(len(raw)) if plain(raw[start:]) == wanted)
    start = next(starts, None) if wanted else None
    return "" if start is None else raw[start:].strip(_BETWEEN)
