"""Proxy work: what an officer did for somebody without a phone, by whose consent, and what they said to it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId, one_of
from models.core.refusal import Refusal
from models.people.photo import Photo
from models.people.user import User

KINDS = ("sheet", "code")
SCOPES = ("register", "appeal")
LASTS = timedelta(days=30)
# Why somebody has no say about what they did themselves in another's name.
ACTED = "acted_for"


class NoMandate(Refusal):
    """No consent, or one that has ended, was taken back, or whose signed sheet never arrived."""

    code = "no_mandate"
    final = True


class SheetLost(Refusal):
    """WeChat could not give us the photo of the signed sheet."""

    code = "sheet_lost"
    step = "sheet"


class Mandate(Base):
    """A consent: a photo of the signed sheet (subject ``mandate``), or the resident's own code. Live until it ends."""

    __tablename__ = "mandates"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    scope: Mapped[str] = mapped_column(String(12))
    granted_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (one_of("kind", KINDS), one_of("scope", SCOPES))


class ProxyAct(Base):
    """One thing done by mandate. Until the resident has heard it and said yes it is shown as not confirmed."""

    __tablename__ = "proxy_acts"
    id: Mapped[RowId]
    mandate_id: Mapped[int] = mapped_column(ForeignKey("mandates.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    subject: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[int]
    at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    denied_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("subject", ("user", "appeal")),
        CheckConstraint("confirmed_at IS NULL OR denied_at IS NULL", name="one_answer"),
        Index("uq_proxy_acts_subject", "subject", "subject_id", unique=True),
    )


def grant(db: Session, staff_id: int, user_id: int, kind: str, scope: str, draft_id: str, now: datetime) -> Mandate:
    """Keep the consent. A sheet's photo is attached to it right afterwards. The same draft twice gives the same one."""
    earlier = db.scalar(select(Mandate).where(Mandate.draft_id == draft_id))
    if earlier:
        return earlier
    mandate = Mandate(
        draft_id=draft_id,
        user_id=user_id,
        staff_id=staff_id,
        kind=kind,
        scope=scope,
        granted_at=now,
        expires_at=now + LASTS,
    )
    db.add(mandate)
    db.flush()
    note(db, mandate, f"staff:{staff_id}", "granted", f"{kind}:{scope}", now)
    return mandate


def live_mandate(db: Session, user_id: int, staff_id: int, scope: str, now: datetime) -> Mandate | None:
    """The newest consent by which this officer may do such a thing for this person today."""
    theirs = (Mandate.user_id == user_id) & (Mandate.staff_id == staff_id) & (Mandate.scope == scope)
    return db.scalar(select(Mandate).where(theirs, _is_live(now)).order_by(Mandate.id.desc()).limit(1))


def live_mandates(db: Session, staff_id: int, scope: str, now: datetime, most: int) -> Sequence[Mandate]:
    """For whom this officer may act today, the newest consent first."""
    theirs = (Mandate.staff_id == staff_id) & (Mandate.scope == scope)
    return db.scalars(select(Mandate).where(theirs, _is_live(now)).order_by(Mandate.id.desc()).limit(most)).all()


def get_mandate(db: Session, number: int, staff_id: int, scope: str, now: datetime) -> Mandate:
    """Locked, so that it is not taken back meanwhile. Raises NoMandate: also for what is another officer's."""
    theirs = (Mandate.id == number) & (Mandate.staff_id == staff_id) & (Mandate.scope == scope)
    found = select(Mandate).where(theirs, _is_live(now)).with_for_update()
    mandate = db.scalar(found.execution_options(populate_existing=True))
    if mandate is None:
        raise NoMandate
    return mandate


def revoke(db: Session, mandate: Mandate, actor: str, now: datetime) -> None:
    if mandate.revoked_at is None:
        mandate.revoked_at = now
        note(db, mandate, actor, "revoked", None, now)
        db.flush()


def revoke_all(db: Session, user_id: int, actor: str, now: datetime) -> int:
    """The resident takes everything back. Returns how many there were."""
    live = (Mandate.user_id == user_id) & Mandate.revoked_at.is_(None) & (Mandate.expires_at > now)
    found = db.scalars(select(Mandate).where(live).with_for_update()).all()
    for mandate in found:
        revoke(db, mandate, actor, now)
    return len(found)


def acted_for(db: Session, subject: str, number: int, household_id: int | None) -> dict[int, str]:
    """Staff id -> ``acted_for``: who opened this appeal by mandate, or registered somebody of the case's household."""
    by_mandate = select(Mandate.staff_id).join(ProxyAct, ProxyAct.mandate_id == Mandate.id)
    if subject == "appeal":
        found = by_mandate.where(ProxyAct.subject == "appeal", ProxyAct.subject_id == number)
    elif subject == "case" and household_id is not None:
        members = select(User.id).where(User.household_id == household_id)
        found = by_mandate.where(ProxyAct.subject == "user", ProxyAct.subject_id.in_(members))
    else:
        return {}
    return dict.fromkeys(db.scalars(found), ACTED)


def unconfirmed(db: Session, subject: str, number: int) -> bool:
    """Was it done by somebody else, and has the person not yet said that it is what they want?"""
    act = (ProxyAct.subject == subject) & (ProxyAct.subject_id == number) & ProxyAct.confirmed_at.is_(None)
    return db.scalar(select(ProxyAct.id).where(act)) is not None


def sheet_of(db: Session, subject: str, number: int) -> tuple[int, bool] | None:
    """The consent by which a user or an appeal was written down, and whether its signed sheet is there.

    A later sheet of the same two people stands for one that was lost. None where it was no sheet, or nobody's.
    """
    act = (ProxyAct.subject == subject) & (ProxyAct.subject_id == number)
    by_it = select(Mandate).join(ProxyAct, ProxyAct.mandate_id == Mandate.id)
    mandate = db.scalar(by_it.where(act, Mandate.kind == "sheet"))
    if mandate is None:
        return None
    since = (Mandate.user_id == mandate.user_id) & (Mandate.staff_id == mandate.staff_id) & (Mandate.id >= mandate.id)
    there = (Photo.subject == "mandate") & (Photo.subject_id == Mandate.id) & Photo.state.in_(("kept", "owed"))
    found = db.scalar(select(Mandate.id).join(Photo, there).where(since).order_by(Mandate.id.desc()).limit(1))
    return found or mandate.id, found is not None


def note(db: Session, mandate: Mandate, actor: str, action: str, detail: str | None, now: datetime) -> None:
    record(db, at=now, actor=actor, action=action, subject="mandate", subject_id=mandate.id, detail=detail)


def _is_live(now: datetime) -> ColumnElement[bool]:
    photo = (Photo.subject == "mandate") & (Photo.subject_id == Mandate.id) & Photo.state.in_(("owed", "kept"))
    seen = or_(Mandate.kind == "code", select(Photo.id).where(photo).exists())
    return Mandate.revoked_at.is_(None) & (Mandate.expires_at > now) & seen
