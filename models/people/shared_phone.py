"""Let several people share one WeChat (换人): one has its openid and writes; the others are parked behind their codes.

All that is a person's hangs on their conversation: session, drafts, notifications, tickets, rights. So switching
changes which conversation has the openid, and nothing else. A parked conversation is found by no openid.
"""

import hashlib
import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Select, func, select, type_coerce
from sqlalchemy.orm import Session, aliased

from models.core.base import among
from models.core.encryption import CannotOpen, keyring, purpose_of
from models.core.refusal import Refusal
from models.people.conversation import SESSION, Conversation
from models.people.user import User

PLACES = 4
# On one phone. What is counted for a person (ID numbers that are tried, requests a day) so grows five times at most.
MOST_PEOPLE = 5
# Wrong codes before a pause, which doubles each time.
TRIES = 5
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(hours=1), timedelta(hours=24)
# How long who forgot the code waits; who has it, stops that by coming back with it.
FORGOT_WAITS = timedelta(hours=24)


class CannotSwitch(Refusal):
    """``why``: the phone has an officer's seat (seat), as many people as it may (full), or no longer this one (gone).

    ``most``: how many people a phone may have.
    """

    code = "cannot_switch"
    final = True

    def __init__(self, why: str) -> None:
        super().__init__(why=why, most=MOST_PEOPLE)


class WrongSwitchCode(Refusal):
    """The code is wrong. ``left``: tries until the next pause; None where a right one was given too long ago."""

    code = "wrong_switch_code"
    step = "their_code"


class CodeLocked(Refusal):
    """After too many wrong codes none is taken before ``until``."""

    code = "code_locked"
    final = True


class NoOwnCode(Refusal):
    """The person who goes has no code to come back with."""

    code = "no_own_code"
    step = "own_code"


class PhoneIsShared(Refusal):
    """Several people share this WeChat, so it can hold no officer's seat: each of them would be the officer."""

    code = "phone_is_shared"
    final = True


@dataclass(frozen=True, slots=True)
class ParkedPerson:
    """``name``: masked but for its first character; empty where the person never registered."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class ParkedSession:
    """A parked person's conversation, locked. ``sealed``: its session as stored, encrypted."""

    id: int
    user_id: int | None
    sealed: bytes

    def open_session(self) -> str:
        """The session's JSON. Raises CannotOpen."""
        return keyring().open(bytes(self.sealed), SESSION.purpose)


def parked_on(account: str, openid: str) -> ColumnElement[bool]:
    """Build the condition that a person is parked on the phone of this WeChat."""
    return (Conversation.account == account) & (Conversation.parked_openid == openid)


def people_parked(db: Session, account: str, openid: str) -> list[ParkedPerson]:
    """List who is parked on the phone, in the order in which they first wrote."""
    found = list(db.scalars(select(Conversation.id).where(parked_on(account, openid)).order_by(Conversation.id)))
    names = names_of(db, found)
    return [ParkedPerson(each, names.get(each, "")) for each in found]


def lock_parked(db: Session, account: str, openid: str) -> list[ParkedSession]:
    """Lock the conversations that are parked on the phone, after that of who has it now, the oldest first."""
    sealed = type_coerce(Conversation.session, LargeBinary)
    theirs = select(Conversation.id, Conversation.user_id, sealed).where(parked_on(account, openid))
    return [ParkedSession(*row) for row in db.execute(theirs.order_by(Conversation.id).with_for_update())]


def names_of(db: Session, conversations: Iterable[int]) -> dict[int, str]:
    """Return the masked names of the people of these conversations; one that does not decrypt is left out."""
    sealed = type_coerce(User.name, LargeBinary)
    theirs = select(Conversation.id, sealed, User.display_name).join(User, User.id == Conversation.user_id)
    names = {}
    for number, name, shown in db.execute(theirs.where(Conversation.id.in_(list(conversations)))):
        try:
            names[number] = mask(keyring().open(bytes(name), purpose_of(User.name)) if name else shown or "")
        except CannotOpen:
            continue
    return names


def mask(name: str) -> str:
    return name[:1] + "*" * max(len(name) - 1, 2) if name else ""


def sharing_a_phone(some: Iterable[int], others: Iterable[int]) -> Select[int | None, int | None]:
    """Select which of ``some`` users write from one WeChat with which of the ``others``, as pairs of both.

    Such two may be one person, who switches.
    """
    first, second = aliased(Conversation), aliased(Conversation)
    same = (first.account == second.account) & (_phone_of(first) == _phone_of(second))
    found = select(first.user_id, second.user_id).join(second, same)
    return found.where(among(first.user_id, some), among(second.user_id, others)).distinct()


def _phone_of(conversation: Any) -> ColumnElement[str]:
    return func.coalesce(conversation.parked_openid, conversation.openid)


def people_of_phone(db: Session, conversation_id: int) -> list[int]:
    """List the conversations of all who share the phone of this one, and itself."""
    own = db.get_one(Conversation, conversation_id)
    phone = own.parked_openid or own.openid
    here = (Conversation.account == own.account) & (Conversation.openid == phone)
    return list(db.scalars(select(Conversation.id).where(here | parked_on(own.account, phone))))


def demand_unshared(db: Session, account: str, openid: str) -> None:
    """Raises PhoneIsShared."""
    if db.scalar(select(Conversation.id).where(parked_on(account, openid)).limit(1)):
        raise PhoneIsShared


def check_room(db: Session, account: str, openid: str) -> None:
    """Raises CannotSwitch where nobody else finds room on the phone."""
    count = db.scalar(select(func.count()).where(parked_on(account, openid))) or 0
    if count + 1 >= MOST_PEOPLE:
        raise CannotSwitch("full")


def find_parked(db: Session, account: str, openid: str, number: int) -> Conversation:
    """Lock and return the conversation of this number that is parked on the phone. Raises CannotSwitch."""
    theirs = select(Conversation).where(parked_on(account, openid), Conversation.id == number).with_for_update()
    found = db.scalar(theirs.execution_options(populate_existing=True))
    if found is None:
        raise CannotSwitch("gone")
    return found


def needs_no_code(parked: Conversation, now: datetime) -> bool:
    return parked.code_waived_at is not None and parked.code_waived_at <= now


def check_not_locked(parked: Conversation, now: datetime) -> None:
    """Raises CodeLocked."""
    if parked.code_free_at and parked.code_free_at > now:
        raise CodeLocked(until=parked.code_free_at)


def prove_code(db: Session, parked: Conversation, said: str, now: datetime) -> None:
    """Check the parked person's code and count a wrong one.

    Raises WrongSwitchCode or CodeLocked. Do not call it where a refusal rolls back: the count must stay.
    """
    check_not_locked(parked, now)
    if parked.code and _is_code(said, parked.code):
        return
    parked.code_tries += 1
    rounds, over = divmod(parked.code_tries, TRIES)
    if not over:
        pause = min(SHORTEST_PAUSE * 2 ** min(rounds - 1, 10), LONGEST_PAUSE)
        parked.code_free_at = now + pause
    db.flush()
    check_not_locked(parked, now)
    raise WrongSwitchCode(left=TRIES - over)


def wait_for_code(db: Session, parked: Conversation, now: datetime) -> datetime:
    """Begin the wait of who forgot the code, unless it has begun; return when none is asked for any more."""
    parked.code_waived_at = parked.code_waived_at or now + FORGOT_WAITS
    db.flush()
    return parked.code_waived_at


def switch(db: Session, going: Conversation, coming: Conversation | None, now: datetime) -> bool:
    """Give the phone to who comes; None: somebody new. Returns whether a wait for a forgotten code was stopped.

    The caller holds both locks and has proved who comes. Raises NoOwnCode.
    """
    if going.code is None:
        raise NoOwnCode
    openid, going.openid, going.in_flow = going.openid, f"parked-{going.id}", False
    going.parked_openid = openid
    db.flush()
    if coming is None:
        fresh = Conversation(account=going.account, openid=openid, session="", created_at=now, touched_at=now)
        db.add(fresh)
        db.flush()
        return False
    was_waiting = coming.code_waived_at is not None and coming.code_waived_at > now
    if needs_no_code(coming, now):
        coming.code = None
    coming.openid, coming.parked_openid, coming.following = openid, None, True
    coming.code_tries, coming.code_free_at, coming.code_waived_at = 0, None, None
    db.flush()
    return was_waiting


def hash_code(code: str) -> str:
    """Return salt and hash of a code, for its column, which the data keys seal: four figures are soon tried out."""
    salt = os.urandom(16)
    return f"{salt.hex()}:{_scrypt(code, salt)}"


def _is_code(said: str, kept: str) -> bool:
    salt, _, hashed = kept.partition(":")
    return hmac.compare_digest(_scrypt(said, bytes.fromhex(salt)), hashed)


def _scrypt(code: str, salt: bytes) -> str:
    return hashlib.scrypt(code.encode(), salt=salt, n=2**12, r=8, p=1).hex()
