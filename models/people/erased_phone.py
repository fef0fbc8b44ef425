"""Remember for a month, by a keyed hash alone, which WeChat an erased person wrote from.

WeChat lets a person be erased and come back within a minute: what is counted against guessing and storms goes on, and
two reports from one WeChat are one's. The tombstone names nobody; the hash is deleted by the clock.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.core.audit_trail import tries_today
from models.core.encryption import keyring
from models.people.conversation import Conversation

# A report that is not decided is older only where nobody decides; what is counted by the day needs less.
LASTS = timedelta(days=30)
_PURPOSE = "erased phone"
# Of who is parked on a shared phone, too.
_PHONE = func.coalesce(Conversation.parked_openid, Conversation.openid)


def hashes_of(account: str, openid: str) -> list[str]:
    """Hash a WeChat under each data key, the newest first."""
    return keyring().lookup_hashes(f"{account} {openid}", _PURPOSE)


def remembered(db: Session, conversation_id: int, now: datetime) -> dict[str, Any]:
    """Return the columns that remember the WeChat of a conversation which is to be erased; nothing if it is already."""
    account, phone = db.execute(select(Conversation.account, _PHONE).where(Conversation.id == conversation_id)).one()
    if phone == f"erased-{conversation_id}":
        return {}
    return {"erased_phone": hashes_of(account, phone)[0], "erased_phone_until": now + LASTS}


def conversations_of_phone(db: Session, conversation_id: int) -> list[int]:
    """List this conversation, and those of people who were erased within LASTS and wrote from its WeChat."""
    return [conversation_id, *erased_before(db, [conversation_id]).get(conversation_id, ())]


def erased_before(db: Session, conversations: Collection[int]) -> dict[int, list[int]]:
    """Conversation -> those of people who were erased within LASTS and wrote from its WeChat; none without such."""
    found = db.execute(select(Conversation.id, Conversation.account, _PHONE).where(Conversation.id.in_(conversations)))
    hashes = {number: hashes_of(account, openid) for number, account, openid in found}
    erased = select(Conversation.erased_phone, Conversation.id).where(
        Conversation.erased_phone.in_([each for some in hashes.values() for each in some])
    )
    rows = [(phone, number) for phone, number in db.execute(erased)]
    return {each: before for each, some in hashes.items() if (before := [old for seal, old in rows if seal in some])}


def tries_from_phone(db: Session, purpose: str, conversation_id: int, now: datetime) -> int:
    """Count today's tries (models.core.audit_trail), with those of whom this WeChat erased since."""
    return tries_today(db, purpose, conversations_of_phone(db, conversation_id), now)


def forget_phones(db: Session, now: datetime) -> int:
    """Delete the hashes whose time is over. Returns how many."""
    over = update(Conversation).where(Conversation.erased_phone_until <= now)
    gone = over.values(erased_phone=None, erased_phone_until=None).returning(Conversation.id)
    return len(db.scalars(gone).all())
