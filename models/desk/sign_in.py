"""Sign a browser in to a seat: the browser shows a code, the seat's own WeChat scans or types it, and says that it is
theirs.

A code lives for five minutes and is taken once. It is bound to the browser that showed it, by a token that only that
browser has, and to the first seat that scans it. Hashes are stored, and never the code or the token.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId, one_of
from models.core.codes import new_digits
from models.core.encryption import keyring
from models.core.refusal import Refusal
from models.core.state_machine import By
from models.desk.session import open_session
from models.people.erased_phone import tries_from_phone
from models.staff.member import Staff

# A seat of these roles has a desk; a keeper has a handover point, and no files.
DESK_ROLES = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY, By.FUND_HOLDER})
SCENE = "desk_"
DIGITS = 6
LASTS = timedelta(minutes=5)
# Who says yes at the last moment leaves the browser the time to notice.
ENTER_WITHIN = timedelta(minutes=1)
# Wrong digits from one WeChat in a day.
MOST_TRIES = 5
# Codes that are shown at once, in the whole country: more are a storm, which is to fill no table.
MOST_SHOWN = 1_000
KEPT = timedelta(days=1)
STATES = ("shown", "asked", "confirmed", "denied", "entered")
BROWSERS = ("edge", "chrome", "firefox", "safari", "wechat", "other")
SYSTEMS = ("windows", "mac", "linux", "android", "ios", "other")
_TOKEN_BYTES = 24
_PURPOSE = "desk"


class TooManyCodes(Exception):
    """So many codes are shown at this moment that no further one is."""


class DeskCodeDead(Refusal):
    """The code is over, or was answered or taken by another seat; the refusal does not say which."""

    code = "desk_code_dead"


class TooManyDeskCodes(Refusal):
    """The WeChat typed too many wrong codes today; even the right one is refused until tomorrow."""

    code = "too_many_desk_codes"


@dataclass(frozen=True, slots=True)
class Device:
    """What the browser says of itself, one of BROWSERS and of SYSTEMS, and ``network``: the first half of its address,
    empty for one of our own network."""

    browser: str
    system: str
    network: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A code as the browser shows it. ``token``: what only this browser gets, in a cookie."""

    scene: str
    digits: str
    token: str


class DeskSignIn(Base):
    """A code that a browser shows. ``staff_id``: the seat that scanned or typed it (``how``), and may answer."""

    __tablename__ = "desk_sign_ins"
    id: Mapped[RowId]
    scene_hash: Mapped[str] = mapped_column(String(64), unique=True)
    digits_hash: Mapped[str] = mapped_column(String(64), index=True)
    browser_hash: Mapped[str] = mapped_column(String(64), unique=True)
    browser: Mapped[str] = mapped_column(String(12))
    system: Mapped[str] = mapped_column(String(12))
    network: Mapped[str] = mapped_column(String(24))
    state: Mapped[str] = mapped_column(String(12), default="shown")
    how: Mapped[str | None] = mapped_column(String(8))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    made_at: Mapped[datetime]
    ends_at: Mapped[datetime]

    __table_args__ = (
        one_of("state", STATES),
        one_of("browser", BROWSERS),
        one_of("system", SYSTEMS),
        CheckConstraint("how IS NULL OR how IN ('digits', 'scan')", name="how_known"),
        CheckConstraint("(staff_id IS NULL) = (how IS NULL)", name="asked_one_way"),
        CheckConstraint("state = 'shown' OR staff_id IS NOT NULL", name="answered_by_a_seat"),
        Index("ix_desk_sign_ins_ends_at", "ends_at"),
    )


def begin_sign_in(db: Session, device: Device, earlier: str, now: datetime) -> Shown:
    """Create a code for this browser. ``earlier``: the token of the code that it showed before, which ends.

    Raises TooManyCodes."""
    if previous := find_of_browser(db, earlier):
        previous.ends_at = min(previous.ends_at, now)
        db.flush()
    alive = select(func.count()).where(DeskSignIn.ends_at > now)
    if (db.scalar(alive) or 0) >= MOST_SHOWN:
        raise TooManyCodes
    shown = Shown(secrets.token_urlsafe(_TOKEN_BYTES), _free_digits(db, now), secrets.token_urlsafe(_TOKEN_BYTES))
    db.add(
        DeskSignIn(
            scene_hash=_hashes("scene", shown.scene)[0],
            digits_hash=_hashes("digits", shown.digits)[0],
            browser_hash=_hashes("browser", shown.token)[0],
            browser=device.browser,
            system=device.system,
            network=device.network,
            made_at=now,
            ends_at=now + LASTS,
        )
    )
    db.flush()
    return shown


def scan(db: Session, staff: Staff, scene: str, now: datetime) -> DeskSignIn:
    """Take the code that the seat's WeChat scanned; the seat is then asked. Raises DeskCodeDead."""
    found = select(DeskSignIn).where(DeskSignIn.scene_hash.in_(_hashes("scene", scene)), DeskSignIn.ends_at > now)
    return _ask(db.scalar(found.with_for_update()), staff, "scan")


def type_digits(db: Session, staff: Staff, conversation_id: int, digits: str, now: datetime) -> DeskSignIn | None:
    """Take the code whose digits the seat's WeChat typed.

    None: no browser shows them. The try is recorded and counted; therefore it is not a refusal, which would roll the
    record back. Raises TooManyDeskCodes.
    """
    if tries_from_phone(db, _PURPOSE, conversation_id, now) >= MOST_TRIES:
        raise TooManyDeskCodes(most=MOST_TRIES)
    living = select(DeskSignIn).where(DeskSignIn.digits_hash.in_(_hashes("digits", digits)), DeskSignIn.ends_at > now)
    found = db.scalars(living.with_for_update()).all()
    try:
        # Two browsers that drew the same digits in one instant are none.
        return _ask(found[0] if len(found) == 1 else None, staff, "digits")
    except DeskCodeDead:
        record(db, at=now, actor=staff.actor.name, action="code_refused", subject=_PURPOSE, subject_id=conversation_id)
        return None


def answer(db: Session, staff: Staff, number: int, now: datetime, *, is_own: bool) -> None:
    """Note whether the seat's holder asked for it themselves. Raises DeskCodeDead for another seat, or too late."""
    found = select(DeskSignIn).where(DeskSignIn.id == number, DeskSignIn.ends_at > now)
    sign_in = db.scalar(found.with_for_update())
    if sign_in is None or sign_in.staff_id != staff.id or sign_in.state != "asked":
        raise DeskCodeDead
    sign_in.state = "confirmed" if is_own else "denied"
    sign_in.ends_at = max(sign_in.ends_at, now + ENTER_WITHIN)
    if not is_own:
        record(db, at=now, actor=staff.actor.name, action="desk_denied", subject=_PURPOSE, subject_id=sign_in.id)


def state_of(db: Session, token: str, now: datetime) -> str:
    """Return where the browser's code stands: one of STATES, or ``over``."""
    sign_in = find_of_browser(db, token)
    return sign_in.state if sign_in and sign_in.ends_at > now else "over"


def enter(db: Session, token: str, now: datetime) -> str | None:
    """Begin the session of a browser whose code was confirmed, once; return its token, None where nothing is.

    The seat is looked at again: it may have ended since."""
    sign_in = find_of_browser(db, token, lock=True)
    if sign_in is None or sign_in.state != "confirmed" or sign_in.ends_at <= now or sign_in.staff_id is None:
        return None
    sign_in.state = "entered"
    staff = db.get_one(Staff, sign_in.staff_id, populate_existing=True)
    if not has_desk(staff, now):
        return None
    return open_session(db, staff, str(sign_in.how), now)


def has_desk(staff: Staff | None, now: datetime) -> bool:
    return staff is not None and staff.role in DESK_ROLES and staff.is_serving(now)


def find_of_browser(db: Session, token: str, *, lock: bool = False) -> DeskSignIn | None:
    """Find the code that this browser shows."""
    found = select(DeskSignIn).where(DeskSignIn.browser_hash.in_(_hashes("browser", token)))
    return db.scalar(found.with_for_update() if lock else found)


def delete_old_sign_ins(db: Session, now: datetime) -> int:
    """Delete codes that are over for a day; the trail keeps who signed in. Returns how many."""
    gone = delete(DeskSignIn).where(DeskSignIn.ends_at <= now - KEPT).returning(DeskSignIn.id)
    return len(db.scalars(gone).all())


def _ask(sign_in: DeskSignIn | None, staff: Staff, how: str) -> DeskSignIn:
    """Bind the locked code to the seat. The same seat may scan it again; nobody else."""
    if sign_in is None or sign_in.state not in ("shown", "asked") or sign_in.staff_id not in (None, staff.id):
        raise DeskCodeDead
    sign_in.state, sign_in.staff_id, sign_in.how = "asked", staff.id, sign_in.how or how
    return sign_in


def _free_digits(db: Session, now: datetime) -> str:
    """Draw digits that no other browser shows."""
    while True:
        digits = new_digits(DIGITS)
        taken = (DeskSignIn.digits_hash.in_(_hashes("digits", digits))) & (DeskSignIn.ends_at > now)
        if db.scalar(select(DeskSignIn.id).where(taken).limit(1)) is None:
            return digits


def _hashes(kind: str, code: str) -> list[str]:
    return keyring().lookup_hashes(code, f"{_PURPOSE} {kind}")
