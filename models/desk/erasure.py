"""Forget an erased person at the desk: from which browsers their former seats signed in, and when."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.core.leaver import Leaver
from models.desk.session import DeskSession
from models.desk.sign_in import DeskSignIn
from models.people.conversation import Conversation
from models.staff.member import SAME_WECHAT, Staff


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    """Delete the sessions and codes of the seats that this WeChat held; who signed in stays in the audit trail."""
    seats = select(Staff.id).join(Conversation, SAME_WECHAT).where(Conversation.id == leaver.conversation_id)
    for table in (DeskSession, DeskSignIn):
        db.execute(delete(table).where(table.staff_id.in_(seats)))
