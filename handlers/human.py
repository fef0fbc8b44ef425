"""人工: somebody asks for a person.

What they say is kept for staff until one answers, and they are never stuck in it.
"""

from flows.flow import Answer, Say
from flows.session import Draft
from handlers.talk import Talk
from models.contact import find_wanted, matter_of
from models.message import Kind, Message
from models.ticket import Ticket, add_words, is_open, open_ticket
from models.user import User

LONGEST_WORDS = 1_000


def call(talk: Talk) -> Answer:
    """Open a ticket, or go on with the open one; a draft in focus is laid aside, and the ticket says where it was.

    Somebody whose goods are asked for talks about that, to the officer whom the asker talks to.
    """
    db, person, draft = talk.desk.db, talk.desk.person, talk.session.draft
    user = db.get(User, person.user_id) if person.user_id else None
    wanted = find_wanted(db, user.id) if user and draft is None else None
    if wanted:
        region, about = wanted.region_code, wanted.about
    else:
        region, about = user.region_code if user else None, _place_in(draft) if draft else None
    ticket = open_ticket(db, person.conversation_id, region, about, talk.world.now)
    return enter(talk, ticket)


def enter(talk: Talk, ticket: Ticket) -> Answer:
    """From now on what the person sends goes to the ticket."""
    parked = talk.engine.park(talk.session)
    talk.session.ticket = ticket.id
    matter = matter_of(talk.desk.db, ticket)
    values = {"number": ticket.id, "parked": parked is not None, "matter": matter}
    return Answer([Say("replies/human_called", None, values)])


def add(talk: Talk) -> Answer | None:
    """Whatever is sent while the ticket is open goes to it; None when there is none, or staff have closed it."""
    ticket = talk.session.ticket
    if ticket is None:
        return None
    if not is_open(talk.desk.db, ticket):
        leave(talk)
        return None
    message = talk.message
    add_words(talk.desk.db, ticket, "person", _words(message), talk.world.now)
    template = "replies/human_kept" if message.kind is Kind.TEXT or message.text else "replies/human_kept_media"
    return Answer([Say(template, None, {"number": ticket})], outcome="ticket")


def leave(talk: Talk) -> None:
    """The person goes back to doing things alone; the ticket stays open for staff."""
    talk.session.ticket = None


def _place_in(draft: Draft) -> str:
    """``flow:pledge:4``, ``flow:start_appeal:crowdfund``: the flow, and what it was started about."""
    detail = draft.given.get("appeal_id") or draft.given.get("kind") or ""
    return f"flow:{draft.flow}:{detail}".rstrip(":")


def _words(message: Message) -> str:
    """What was typed or heard; of anything else its kind, and the words or the address that came with it."""
    if message.text:
        return message.text[:LONGEST_WORDS]
    label = message.point.label if message.point else ""
    beside = " ".join(filter(None, (label, message.title, message.pic_url or message.url)))
    return f"[{message.kind}] {beside}".strip()[:LONGEST_WORDS]
