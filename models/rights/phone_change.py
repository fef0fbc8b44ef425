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
from models.rights.due import carry_out
from models.rights.request import WAITS, RightsRequest, ask_to_change, end_change

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
    return carry_out(db, KIND, now, _carry_out)


def _carry_out(db: Session, request: RightsRequest, now: datetime) -> None:
    conversation = db.get_one(Conversation, request.conversation_id)
    user = db.get(User, conversation.user_id, with_for_update=True) if conversation.user_id else None
    phone = request.wish if user and user.state == "active" else None
    if user and phone:
        _change(db, user, request, phone, now)
    end_change(db, request, now, made=phone is not None)


def _change(db: Session, user: User, request: RightsRequest, phone: str, now: datetime) -> None:
    user.phone, user.phone_hash = phone, keyring().lookup_hashes(phone, "phone")[0]
    detail = f"rights_request:{request.id}"
    who = f"user:{user.id}"
    record(db, at=now, actor=who, action="phone_changed", subject="user", subject_id=user.id, detail=detail)
    facts, key = {"tail": phone[-4:]}, f"phone_changed:{request.id}"
    notify(db, request.conversation_id, "phone_changed", facts, key, now, ("rights_request", request.id))
