"""Change the phone number of a registered person: the old number stays for a day, in which any message stops it.

Whoever has the phone in the hand can begin it; the chat says so at once, so that its owner reads it in time.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from models.core.audit_trail import record
from models.core.encryption import keyring
from models.core.refusal import Refusal
from models.notifications.notify import notify
from models.people.conversation import Conversation
from models.people.user import User
from models.rights.request import WAITS, RightsRequest, ask_to_change, end_change, lock_due

KIND = "phone"


class SamePhone(Refusal):
    """The number is the one on record."""

    code = "same_phone"
    step = "phone"


def check_other_phone(user: User, phone: str) -> None:
    """Raises SamePhone."""
    if user.phone == phone:
        raise SamePhone


def ask_for_phone(
    db: Session, user: User, conversation_id: int, phone: str, now: datetime, *, proved: bool
) -> RightsRequest:
    """Ask to change the person's phone number after WAITS, without the proof after twice that.

    The caller holds the conversation's lock.
    Raises SamePhone or AskedTooOften.
    """
    check_other_phone(user, phone)
    return ask_to_change(db, conversation_id, KIND, phone, WAITS if proved else 2 * WAITS, now)


def change_phones(db: Session, now: datetime) -> int:
    """Change the numbers whose day has passed without a message, and notify the people. Returns how many were due."""
    found = lock_due(db, "waiting", now, KIND)
    for request in found:
        conversation = db.get_one(Conversation, request.conversation_id)
        user = db.get(User, conversation.user_id, with_for_update=True) if conversation.user_id else None
        if user and user.state == "active" and request.wish:
            _change(db, user, request, request.wish, now)
            end_change(db, request, now, made=True)
        else:
            end_change(db, request, now, made=False)
    db.flush()
    return len(found)


def _change(db: Session, user: User, request: RightsRequest, phone: str, now: datetime) -> None:
    user.phone, user.phone_hash = phone, keyring().lookup_hashes(phone, "phone")[0]
    detail = f"rights_request:{request.id}"
    who = f"user:{user.id}"
    record(db, at=now, actor=who, action="phone_changed", subject="user", subject_id=user.id, detail=detail)
    facts, key = {"tail": phone[-4:]}, f"phone_changed:{request.id}"
    notify(db, request.conversation_id, "phone_changed", facts, key, now, ("rights_request", request.id))
