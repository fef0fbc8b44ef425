"""Forget who an erased person is: user and conversation stay as tombstones, which money and trail refer to."""

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.leaver import Leaver
from models.people.conversation import BrokenSession, Conversation, Turn
from models.people.erased_phone import remembered
from models.people.user import Consent, User


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    """Delete name, numbers, home, openid, drafts and kept replies; of the WeChat a keyed hash stays for a month.

    Who writes from this WeChat again is somebody new: their conversation is another.
    """
    user = db.get(User, leaver.user_id, with_for_update=True) if leaver.user_id else None
    if user:
        user.name = user.id_number = user.id_hash = user.phone = user.phone_hash = user.display_name = None
        user.region_code = None
        user.state = "erased"
        record(db, at=leaver.now, actor=leaver.actor.name, action="erased", subject="user", subject_id=user.id)
        given = (Consent.user_id == user.id) & Consent.withdrawn_at.is_(None)
        db.execute(update(Consent).where(given).values(withdrawn_at=leaver.now))
        db.execute(update(Conversation).where(Conversation.user_id == user.id).values(user_id=None))
    if leaver.conversation_id:
        _forget_conversation(db, leaver.conversation_id, leaver)
    db.flush()


def _forget_conversation(db: Session, number: int, leaver: Leaver) -> None:
    nobody = {"user_id": None, "openid": f"erased-{number}", "session": "", "in_flow": False, "following": False}
    nobody |= {"parked_openid": None, "code": None, "code_free_at": None, "code_waived_at": None}
    nobody |= remembered(db, number, leaver.now)
    db.execute(update(Conversation).where(Conversation.id == number).values(nobody))
    db.execute(delete(BrokenSession).where(BrokenSession.conversation_id == number))
    db.execute(update(Turn).where(Turn.conversation_id == number, Turn.reply.is_not(None)).values(reply=None))
