"""人工: somebody asks for a person.

What they say is kept for staff until one answers, and they are never stuck in it.
"""

from flows.flow import Answer, Say
from handlers.talk import Talk
from models.message import Kind
from models.ticket import add_words, is_open, open_ticket
from models.user import User

LONGEST_WORDS = 1_000


def call(talk: Talk) -> Answer:
    """Open a ticket, or go on with the open one; a draft in focus is laid aside, and the ticket says where it was."""
    draft = talk.engine.park(talk.session)
    person = talk.desk.person
    user = talk.desk.db.get(User, person.user_id) if person.user_id else None
    region = user.region_code if user else None
    about = f"flow:{draft.flow}" if draft else None
    ticket = open_ticket(talk.desk.db, person.conversation_id, region, about, talk.world.now)
    talk.session.ticket = ticket.id
    return Answer([Say("replies/human_called", None, {"number": ticket.id, "parked": draft is not None})])


def add(talk: Talk) -> Answer | None:
    """Whatever is sent while the ticket is open goes to it; None when there is none, or staff have closed it."""
    ticket = talk.session.ticket
    if ticket is None:
        return None
    if not is_open(talk.desk.db, ticket):
        leave(talk)
        return None
    message = talk.message
    words = message.text[:LONGEST_WORDS] if message.text else f"[{message.kind}] {message.pic_url}".strip()
    add_words(talk.desk.db, ticket, "person", words, talk.world.now)
    template = "replies/human_kept" if message.kind is Kind.TEXT or message.text else "replies/human_kept_media"
    return Answer([Say(template, None, {"number": ticket})], outcome="ticket")


def leave(talk: Talk) -> None:
    """The person goes back to doing things alone; the ticket stays open for staff."""
    talk.session.ticket = None
