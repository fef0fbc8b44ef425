"""Forget what an erased person said to officers, and what they answered."""

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models.core.leaver import Leaver
from models.support.ticket import Ticket, TicketMessage


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    theirs = Ticket.conversation_id == leaver.conversation_id
    db.execute(delete(TicketMessage).where(TicketMessage.ticket_id.in_(select(Ticket.id).where(theirs))))
    db.execute(update(Ticket).where(theirs).values(state="closed", closed_at=leaver.now, about=None))
