"""Show unread notifications (消息).

The turn puts them before every answer with room for them; this answer is short, to leave them all the room.
"""

from flows.engine.flow import Answer, Say
from handlers.routing.talk import Talk
from handlers.support.call import is_in_ticket
from models.notifications.notification import find_unread


def show(talk: Talk) -> Answer:
    """Answer with little. The draft stays in focus, a ticket open, and the numbers of the last list stay valid."""
    waiting = find_unread(talk.turn.db, talk.turn.person.conversation_id, most=1)
    ticket = talk.session.ticket if is_in_ticket(talk) else None
    values = {"draft": talk.session.draft is not None, "ticket": ticket}
    said = Say("replies/notifications/unread" if waiting else "replies/notifications/none_unread", None, values)
    return Answer([said], outcome="news", keeps_screen=True)
