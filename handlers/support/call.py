"""人工: let a person call for an officer, and talk with them in a ticket.

While the ticket is not closed, every command, number and question works as ever, and only what nothing else takes goes
to the ticket. Either side may write several times; either may close it, and the person may take it up again.
"""

from collections.abc import Callable

from flows.engine.flow import Answer, Say
from flows.engine.session import Draft, Option
from handlers.routing.talk import Talk
from models.people.message import Message, MessageKind
from models.people.user import home_of
from models.support.introduction import (
    MOST_THREADS,
    Thread,
    continue_thread,
    find_threads,
    topic_of_thread,
    topic_of_ticket,
)
from models.support.ticket import (
    NoSuchTicket,
    Ticket,
    close_ticket,
    lock_ticket,
    newest_ticket,
    open_ticket,
    say_in_ticket,
    take_up,
)
from models.support.urgent import notify_county

LONGEST_WORDS = 1_000


def call(talk: Talk) -> Answer:
    """Continue the thread with the latest message, or open a ticket; a draft in focus is parked and named in it.

    Threads are those of models.support.introduction: the person reaches the officers who answered them, or those who
    handle the ticket of the person who wants their item. It asks which one is meant if a draft is in focus and a
    thread waits for the person, and if 人工 is said again within a ticket. Who has spoken of danger while a question
    stood there reaches the county that was called for them.
    """
    threads, draft = _threads(talk), talk.session.draft
    ticket = _ticket(talk)
    if draft and ticket and ticket.urgent and ticket.state != "closed":
        return enter(talk, ticket, more=True)
    things = [thread for thread in threads if thread.has_subject]
    waits = [thread for thread in things if thread.waits]
    if things and (waits if draft else is_in_ticket(talk) and threads[0] not in waits):
        return _ask_which(talk, things, draft)
    if threads and draft is None:
        return _go_on(talk, threads[0], more=bool(things))
    return _about_else(talk, draft, more=bool(things))


def talk_about(talk: Talk, what: str = "", which: str = "") -> Answer:
    """Continue with what the person picked when ``call`` asked: a thread by its key, a draft, or something else."""
    if what == "draft":
        return _about_else(talk, talk.session.find(which))
    threads = _threads(talk)
    if what:
        found = next((thread for thread in threads if thread.key == (what, int(which))), None)
        return _go_on(talk, found) if found else call(talk)
    general = next((thread for thread in threads if not thread.has_subject), None)
    return _go_on(talk, general) if general else _about_else(talk, None)


def enter(talk: Talk, ticket: Ticket, *, asked: bool = False, more: bool = False) -> Answer:
    """Send what the person writes from now on, and nothing else takes, to the ticket.

    ``asked``: they have just asked for an item; ``more``: they may have meant something else.
    """
    parked = talk.engine.park(talk.session)
    talk.session.ticket = ticket.id
    topic = topic_of_ticket(talk.turn.db, ticket)
    late = ticket.state == "open" and ticket.due_at <= talk.world.now
    values = {
        "number": ticket.id,
        "parked": parked is not None,
        "topic": topic,
        "due": ticket.due_at if ticket.state == "open" and not late else None,
        "late": late,
        "asked": asked,
        "more": more,
    }
    return Answer([Say("replies/support/human_called", None, values)])


def add(talk: Talk) -> Answer | None:
    """Add the message, which nothing else takes, to the person's ticket; None if there is none, or it is closed.

    The numbers on the screen stay valid.
    """
    ticket = talk.session.ticket
    if ticket is None:
        return None
    message = talk.message
    kept = say_in_ticket(talk.turn.db, ticket, words_of(message), talk.world.now)
    if kept is None:
        talk.session.ticket = None
        return None
    if kept.urgent:
        notify_county(talk.turn.db, kept, talk.world.now)
    template = (
        "replies/support/human_kept"
        if message.kind is MessageKind.TEXT or message.text
        else "replies/support/human_kept_media"
    )
    return Answer([Say(template, None, {"number": ticket})], outcome="ticket", keeps_screen=True)


def is_answered(talk: Talk) -> bool:
    """Tell whether the officers have answered in the person's ticket, so that nobody waits for a word of theirs."""
    ticket = _ticket(talk)
    return ticket is not None and ticket.state == "answered" and not ticket.urgent


def is_urgent(talk: Talk) -> bool:
    """Tell whether the person's ticket is that of a person in danger."""
    ticket = _ticket(talk)
    return ticket is not None and ticket.urgent


def is_in_ticket(talk: Talk) -> bool:
    """Tell whether what nothing else takes goes to a ticket."""
    ticket = _ticket(talk)
    return ticket is not None and ticket.state != "closed"


def meant(talk: Talk) -> Callable[[Talk], Answer] | None:
    """Return what the text asks to do with a ticket of the person's, to close it or to take it up; None otherwise.

    Within a story the same words belong to the story.
    """
    lexicon, text = talk.world.lexicon, talk.message.text
    solved, more = lexicon.means("solved", text), lexicon.means("more_to_say", text)
    if not (solved or more) or talk.engine.takes_any_words(talk.session):
        return None
    ticket = _current(talk)
    if ticket is None or (solved and ticket.state == "closed"):
        return None
    number = str(ticket.id)
    return (lambda talk: solve_ticket(talk, number)) if solved else (lambda talk: take_up_ticket(talk, number))


def solve_ticket(talk: Talk, number: str) -> Answer:
    """Close the person's ticket, answered or not. An urgent one gets the words: the county closes it.

    Raises NoSuchTicket.
    """
    ticket = _own(talk, number)
    if ticket.urgent:
        say_in_ticket(talk.turn.db, ticket.id, talk.world.lexicon.words["solved"][0], talk.world.now)
        return Answer([Say("replies/support/urgent_stays", None, {"number": ticket.id})])
    close_ticket(talk.turn.db, ticket.id, talk.world.now)
    if talk.session.ticket == ticket.id:
        talk.session.ticket = None
    return Answer([Say("replies/support/ticket_solved", None, {"number": ticket.id})])


def take_up_ticket(talk: Talk, number: str) -> Answer:
    """Let the person go on with their ticket: their next words reach the officers. Raises NoSuchTicket."""
    ticket = _own(talk, number)
    take_up(ticket, talk.world.now)
    talk.session.ticket = ticket.id
    topic = topic_of_ticket(talk.turn.db, ticket)
    return Answer([Say("replies/support/ticket_taken_up", None, {"number": ticket.id, "topic": topic})])


def _current(talk: Talk) -> Ticket | None:
    """Find the ticket that the person is in, or else the one that was used last and may go on."""
    if is_in_ticket(talk):
        return _ticket(talk)
    return newest_ticket(talk.turn.db, talk.turn.person.conversation_id, talk.world.now)


def _ticket(talk: Talk) -> Ticket | None:
    """Return the ticket that the person entered last, closed or not."""
    return talk.turn.db.get(Ticket, talk.session.ticket) if talk.session.ticket else None


def _own(talk: Talk, number: str) -> Ticket:
    """Lock and return a ticket of the person's own. Raises NoSuchTicket."""
    ticket = lock_ticket(talk.turn.db, int(number))
    if ticket is None or ticket.conversation_id != talk.turn.person.conversation_id:
        raise NoSuchTicket(number=int(number))
    return ticket


def _threads(talk: Talk) -> list[Thread]:
    person = talk.turn.person
    return find_threads(talk.turn.db, person.conversation_id, person.user_id, talk.world.now)


def _ask_which(talk: Talk, things: list[Thread], draft: Draft | None) -> Answer:
    talk.session.ticket = None  # until they say which: what they write meanwhile might reach the wrong officers
    talk.engine.park(talk.session)
    topics = [(thread, topic_of_thread(talk.turn.db, thread)) for thread in things[:MOST_THREADS]]
    known = [(thread, topic) for thread, topic in topics if topic]
    verbs = [["command", "talk_about", thread.key[0], str(thread.key[1])] for thread, _ in known]
    if draft:
        verbs.append(["command", "talk_about", "draft", draft.id])
    verbs.append(["command", "talk_about"])
    lines = [(number, topic, thread.last_at) for number, (thread, topic) in enumerate(known, 1)]
    values = {
        "lines": lines,
        "draft": {"flow": draft.flow, "given": draft.given} if draft else None,
        "last": len(verbs),
    }
    options = [Option(number, "", verb) for number, verb in enumerate(verbs, 1)]
    return Answer([Say("replies/support/which_topic", None, values)], options)


def _go_on(talk: Talk, thread: Thread, *, more: bool = False) -> Answer:
    ticket = continue_thread(talk.turn.db, thread, talk.turn.person.conversation_id, talk.world.now)
    return enter(talk, ticket, more=more)


def _about_else(talk: Talk, draft: Draft | None, *, more: bool = False) -> Answer:
    """Open a ticket for the officers of the person's own region, about the draft if there is one."""
    db, person = talk.turn.db, talk.turn.person
    about, region = _place_in(draft) if draft else None, home_of(db, person.user_id)
    return enter(talk, open_ticket(db, person.conversation_id, region, about, talk.world.now), more=more)


def _place_in(draft: Draft) -> str:
    """Return the flow and its subject as a reference: ``flow:pledge:4``, ``flow:start_appeal:crowdfund``."""
    detail = draft.given.get("appeal_id") or draft.given.get("kind") or ""
    return f"flow:{draft.flow}:{detail}".rstrip(":")


def words_of(message: Message) -> str:
    """Return what was typed or heard; for other kinds, ``[kind]`` and the text or URL that came with it."""
    if message.text:
        return message.text[:LONGEST_WORDS]
    label = message.point.label if message.point else ""
    beside = " ".join(filter(None, (label, message.title, message.pic_url or message.url)))
    return f"[{message.kind}] {beside}".strip()[:LONGEST_WORDS]
