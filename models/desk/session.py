"""Keep who is signed in at the desk: a session is one seat in one browser, for an hour.

It is found by the hash of a token that the browser alone holds, and looked at with the seat each time: a seat that is
suspended or revoked, whose term is over, or whose WeChat is another one, has no session from that moment on.
"""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, delete, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId, one_of
from models.core.encryption import keyring
from models.staff.member import Staff

LASTS = timedelta(hours=1)
KEPT = timedelta(days=30)
# How a browser was signed in: by a scanned code, by typed digits, or inside WeChat on the phone itself.
HOW = ("scan", "digits", "phone")
# Why a session ended before its hour was over.
WHY = ("signed_out", "from_chat", "newer", "seat")
# The row is not written at each page that is opened.
_SEEN_AGAIN = timedelta(minutes=1)
_TOKEN_BYTES = 32
_OPEN = text("ended_at IS NULL")


class DeskSession(Base):
    """``wechat_hash``: the keyed hash of the WeChat that held the seat at the sign-in."""

    __tablename__ = "desk_sessions"
    id: Mapped[RowId]
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    wechat_hash: Mapped[str] = mapped_column(String(64))
    how: Mapped[str] = mapped_column(String(8))
    made_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    why: Mapped[str | None] = mapped_column(String(12))

    __table_args__ = (
        one_of("how", HOW),
        CheckConstraint("why IS NULL OR why IN ('from_chat', 'newer', 'seat', 'signed_out')", name="why_known"),
        CheckConstraint("(ended_at IS NULL) = (why IS NULL)", name="ended_for_a_reason"),
        Index("ix_desk_sessions_open", "staff_id", postgresql_where=_OPEN),
        Index("ix_desk_sessions_ends_at", "ends_at"),
    )


def open_session(db: Session, staff: Staff, how: str, now: datetime) -> str:
    """Begin a session and return its token. An earlier one of the seat of the same kind, phone or computer, ends."""
    end_sessions(db, staff, "newer", now, on_phone=how == "phone")
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    session = DeskSession(
        staff_id=staff.id,
        token_hash=_hashes(token)[0],
        wechat_hash=_wechat(staff)[0],
        how=how,
        made_at=now,
        seen_at=now,
        ends_at=now + LASTS,
    )
    db.add(session)
    db.flush()
    record(db, at=now, actor=staff.actor.name, action="desk_entered", subject="staff", subject_id=staff.id, detail=how)
    return token


def find_session(db: Session, token: str, now: datetime) -> tuple[DeskSession, Staff] | None:
    """Return the living session of this token and its seat, and note that it was seen; None where there is none."""
    of_token = DeskSession.token_hash.in_(_hashes(token)) & DeskSession.ended_at.is_(None) & (DeskSession.ends_at > now)
    session = db.scalar(select(DeskSession).where(of_token))
    staff = db.get(Staff, session.staff_id) if session else None
    if session is None or staff is None or not staff.is_serving(now) or session.wechat_hash not in _wechat(staff):
        return None
    if now - session.seen_at >= _SEEN_AGAIN:
        session.seen_at = now
    return session, staff


def end_session(db: Session, session: DeskSession, why: str, now: datetime) -> None:
    session.ended_at, session.why = now, why


def end_sessions(db: Session, staff: Staff, why: str, now: datetime, *, on_phone: bool | None = None) -> int:
    """End the seat's sessions, all or only those on the phone or not on it. Returns how many were open."""
    theirs = (DeskSession.staff_id == staff.id) & DeskSession.ended_at.is_(None)
    if on_phone is not None:
        theirs &= (DeskSession.how == "phone") == on_phone
    ended = update(DeskSession).where(theirs).values(ended_at=now, why=why).returning(DeskSession.ends_at)
    return sum(ends_at > now for ends_at in db.scalars(ended))


def end_with_seat(db: Session, staff: Staff, now: datetime) -> None:
    """End all sessions of a seat that is suspended or over: one that is restored signs in anew."""
    end_sessions(db, staff, "seat", now)


def delete_old_sessions(db: Session, now: datetime) -> int:
    """Delete sessions that are over for KEPT; the trail keeps who signed in. Returns how many."""
    gone = delete(DeskSession).where(DeskSession.ends_at <= now - KEPT).returning(DeskSession.id)
    return len(db.scalars(gone).all())


def _hashes(token: str) -> list[str]:
    return keyring().lookup_hashes(token, "desk session")


def _wechat(staff: Staff) -> list[str]:
    return keyring().lookup_hashes(f"{staff.account} {staff.openid}", "desk wechat")
