"""人工: let a person call for an officer.

What they send is kept in a ticket until an officer answers, and every command still works meanwhile.
"""

from flows.engine.flow import Answer, Say
from flows.engine.session import Draft, Option
from handlers.routing.talk import Talk
from models.people.message import Message, MessageKind
from models.people.user import User
from models.support.introduction import (
    MOST_THREADS,
    Thread,
    continue_thread,
    find_threads,
    topic_of_thread,
    topic_of_ticket,
)
from models.support.ticket import Ticket, add_message, is_ticket_open, open_ticket

LONGEST_WORDS = 1_000


def call(talk: Talk) -> Answer:
    """Continue the thread with the latest message, or open a ticket; a draft in focus is parked and named in it.

    Threads are those of models.support.introduction: the person reaches the officers who answered them, or those who
    handle the ticket of the person who wants their item. It asks which one is meant if a draft is in focus and a
    thread waits for the person, and if 人工 is said again within a ticket.
    """
    threads, draft = _threads(talk), talk.session.draft
    things = [thread for thread in threads if thread.has_subject]
    waits = [thread for thread in things if thread.waits]
    if things and ((draft and waits) or (is_in_ticket(talk) and threads[0] not in waits)):
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
    """Send what the person writes from now on to the ticket.

    ``asked``: they have just asked for an item; ``more``: they may have meant something else.
    """
    parked = talk.engine.park(talk.session)
    talk.session.ticket = ticket.id
    topic = topic_of_ticket(talk.turn.db, ticket)
    values = {"number": ticket.id, "parked": parked is not None, "topic": topic, "asked": asked, "more": more}
    return Answer([Say("replies/support/human_called", None, values)])


def add(talk: Talk) -> Answer | None:
    """Add the message to the open ticket; None if there is no ticket, or staff have closed it."""
    ticket = talk.session.ticket
    if ticket is None:
        return None
    if not is_in_ticket(talk):
        leave(talk)
        return None
    message = talk.message
    add_message(talk.turn.db, ticket, "person", _words(message), talk.world.now)
    template = (
        "replies/support/human_kept"
        if message.kind is MessageKind.TEXT or message.text
        else "replies/support/human_kept_media"
    )
    return Answer([Say(template, None, {"number": ticket})], outcome="ticket")


def is_in_ticket(talk: Talk) -> bool:
    """Tell whether what the person sends goes to a ticket."""
    return talk.session.ticket is not None and is_ticket_open(talk.turn.db, talk.session.ticket)


def leave(talk: Talk) -> None:
    """Stop sending the person's messages to the ticket; it stays open for staff."""
    talk.session.ticket = None


def _threads(talk: Talk) -> list[Thread]:
    person = talk.turn.person
    return find_threads(talk.turn.db, person.conversation_id, person.user_id, talk.world.now)


def _ask_which(talk: Talk, things: list[Thread], draft: Draft | None) -> Answer:
    leave(talk)
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
    user = db.get(User, person.user_id) if person.user_id else None
    about = _place_in(draft) if draft else None
    region = user.region_code if user else None
    return enter(talk, open_ticket(db, person.conversation_id, region, about, talk.world.now), more=more)


def _place_in(draft: Draft) -> str:
    """Return the flow and its subject as a reference: ``flow:pledge:4``, ``flow:start_appeal:crowdfund``."""
    detail = draft.given.get("appeal_id") or draft.given.get("kind") or ""
    return f"flow:{draft.flow}:{detail}".rstrip(":")


def _words(message: Message) -> str:
    """Return what was typed or heard; for other kinds, ``[kind]`` and the text or URL that came with it."""
    if message.text:
        return message.text[:LONGEST_WORDS]
    label = message.point.label if message.point else ""
    beside = " ".join(filter(None, (label, message.title, message.pic_url or message.url)))
    return f"[{message.kind}] {beside}".strip()[:LONGEST_WORDS]
