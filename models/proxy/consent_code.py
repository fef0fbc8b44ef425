"""Consent codes: six digits that a resident reads to an officer, valid for 24 hours and one use."""

import hmac
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ForeignKey, SmallInteger, String, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId
from models.core.codes import new_digits
from models.core.encryption import keyring
from models.core.refusal import Refusal
from models.notifications.notify import notify_user

# In a day; each is recorded for good.
MOST_CODES = 10
DIGITS = 6
LASTS = timedelta(hours=24)
MOST_TRIES = 5


class WrongConsentCode(Refusal):
    """The digits are wrong. ``left``: tries until the code is void, counted over all officers together."""

    code = "wrong_consent_code"
    step = "code"


class NoConsentCode(Refusal):
    """The resident has no live code: never made, expired, used, or void after five wrong tries."""

    code = "no_consent_code"
    step = "code"


class TooManyConsentCodes(Refusal):
    """The resident made ``most`` codes today; the newest one is still good."""

    code = "too_many_consent_codes"


class ConsentCode(Base):
    """A consent code, stored only as a keyed hash. ``tries`` counts wrong tries."""

    __tablename__ = "consent_codes"
    id: Mapped[RowId]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    used_at: Mapped[datetime | None]


def make_consent_code(db: Session, user_id: int, now: datetime) -> tuple[str, datetime]:
    """Make a new code and void the earlier one. Returns the digits and when they expire. Raises TooManyConsentCodes."""
    made_today = (ConsentCode.user_id == user_id) & (ConsentCode.made_at > now - LASTS)
    if (db.scalar(select(func.count()).where(made_today)) or 0) >= MOST_CODES:
        raise TooManyConsentCodes(most=MOST_CODES)
    void_consent_codes(db, user_id, now)
    digits = new_digits(DIGITS)
    code = ConsentCode(user_id=user_id, code_hash=_hashes(user_id, digits)[0], made_at=now, expires_at=now + LASTS)
    db.add(code)
    db.flush()
    record(db, at=now, actor=f"user:{user_id}", action="code_made", subject="consent_code", subject_id=code.id)
    return digits, code.expires_at


def void_consent_codes(db: Session, user_id: int, now: datetime) -> None:
    theirs = (ConsentCode.user_id == user_id) & _is_live(now)
    db.execute(update(ConsentCode).where(theirs).values(expires_at=now))


def check_consent_code(db: Session, user_id: int, digits: str, actor: str, now: datetime) -> int:
    """Check the digits against the resident's live code and return its row id; a wrong try is counted.

    Locks the code. Raises WrongConsentCode or NoConsentCode. Do not call it where a refusal rolls back: the count
    must stay. The resident is notified when the last try voids the code.
    """
    theirs = select(ConsentCode).where(ConsentCode.user_id == user_id, _is_live(now)).with_for_update()
    code = db.scalar(theirs.execution_options(populate_existing=True))
    if code is None:
        raise NoConsentCode
    if is_consent_code(db, code.id, user_id, digits):
        return code.id
    code.tries += 1
    db.flush()
    record(db, at=now, actor=actor, action="code_refused", subject="consent_code", subject_id=code.id)
    if code.tries >= MOST_TRIES:
        notify_user(db, user_id, "code_void", {}, f"code_void:{code.id}", now, ("user", code.user_id))
        raise NoConsentCode
    raise WrongConsentCode(left=MOST_TRIES - code.tries)


def is_consent_code(db: Session, number: int, user_id: int, digits: str) -> bool:
    """Tell whether these are the digits of this row, even if it has expired or was used."""
    code = db.get(ConsentCode, number)
    if code is None or code.user_id != user_id:
        return False
    return any(hmac.compare_digest(code.code_hash, each) for each in _hashes(user_id, digits))


def use_consent_code(db: Session, number: int, user_id: int, now: datetime) -> None:
    """Mark the code as used. Raises NoConsentCode if it expired or a colleague used it since it was checked."""
    live = (ConsentCode.id == number) & (ConsentCode.user_id == user_id) & _is_live(now)
    code = db.scalar(select(ConsentCode).where(live).with_for_update().execution_options(populate_existing=True))
    if code is None:
        raise NoConsentCode
    code.used_at = now
    db.flush()


def _is_live(now: datetime) -> ColumnElement[bool]:
    unused = ConsentCode.used_at.is_(None) & (ConsentCode.tries < MOST_TRIES)
    return unused & (ConsentCode.expires_at > now)


def _hashes(user_id: int, digits: str) -> list[str]:
    return keyring().lookup_hashes(f"{user_id}:{digits}", "consent_code")
