"""Forget an erased person in the staff room: in officers' ties, by whose hash alone they are found from now on."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.core.leaver import Leaver
from models.people.conversation import Conversation
from models.people.user import User
from models.staff.conflict_of_interest import Conflict
from models.staff.member import copy_household_to_seats


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    """Copy the household to seats of the person's own, and delete the number from ties that others declared to them.

    So officers go on being kept from what concerns their own.
    """
    conversation = db.get(Conversation, leaver.conversation_id) if leaver.conversation_id else None
    if conversation:
        copy_household_to_seats(db, conversation.account, conversation.openid)
    found = db.scalar(select(User.id_hash).where(User.id == leaver.user_id))
    if found:
        db.execute(update(Conflict).where(Conflict.id_hash == found).values(id_number=None))
