"""Forgetting a person: what identifies them goes, what money and history need stays as a tombstone."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models.audit import record
from models.conversation import BrokenSession, Conversation, Turn
from models.notice import Notice
from models.ticket import Ticket, TicketMessage
from models.user import User


def erase_person(db: Session, conversation_id: int, now: datetime) -> None:
    """Name, ID number, phone, drafts, kept replies and words to staff are gone; rows that others count stay."""
    conversation = db.get(Conversation, conversation_id)
    if conversation is None:
        return
    user = db.get(User, conversation.user_id) if conversation.user_id else None
    if user:
        user.name = user.id_number = user.id_finder = user.phone = user.phone_finder = user.display_name = None
        user.state = "erased"
        record(db, at=now, actor=f"user:{user.id}", action="erased", subject="user", subject_id=user.id)
    conversation.user_id = None
    db.flush()
    tickets = select(Ticket.id).where(Ticket.conversation_id == conversation_id)
    db.execute(delete(TicketMessage).where(TicketMessage.ticket_id.in_(tickets)))
    db.execute(delete(Notice).where(Notice.conversation_id == conversation_id))
    conversation.unread = 0
    db.execute(delete(BrokenSession).where(BrokenSession.conversation_id == conversation_id))
    db.execute(update(Turn).where(Turn.conversation_id == conversation_id).values(reply=None))
