"""Forget an erased person in the staff room: their household stays known to seats that they hold or held."""

from sqlalchemy.orm import Session

from models.core.leaver import Leaver
from models.people.conversation import Conversation
from models.staff.member import copy_household_to_seats


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    """Copy the household to the person's seats: an officer goes on being kept from what concerns their own."""
    conversation = db.get(Conversation, leaver.conversation_id) if leaver.conversation_id else None
    if conversation:
        copy_household_to_seats(db, conversation.account, conversation.openid)
