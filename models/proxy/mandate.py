"""Mandates: a resident's consent that an officer acts for them, and the acts done by it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId, one_of
from models.core.refusal import Refusal
from models.core.subject import Subject
from models.people.photo import Photo
from models.people.user import User

KINDS = ("sheet", "code")
REGISTER, APPEAL, GOODS, PAGE, FAMILY = SCOPES = ("register", "appeal", "goods", "page", "family")
# What can be done by mandate: registering a resident, writing an appeal, answering what goods are proposed, saying that
# goods which were handed out are wrong (of the match), or thanking for them; agreeing to an appeal's public page; and
# naming a member of the household.
SUBJECTS = ("user", "appeal", "appeal_page", "match", "match_issue", "goods_thanks", "family_member")
_OF_MATCH = ("match", "match_issue")
LASTS = timedelta(days=30)
# An erasure that is asked for on paper (models.rights.erasure.paper).
PAPER_ERASURE = "paper_erasure"
# The reason for which an officer is recused from what they did by mandate.
ACTED = "acted_for"


class NoMandate(Refusal):
    """No live mandate: none was given, or it expired, was revoked, or the photo of its signed sheet is lost."""

    code = "no_mandate"
    final = True


class SheetLost(Refusal):
    """WeChat did not deliver the photo of the signed sheet."""

    code = "sheet_lost"
    step = "sheet"


class Mandate(Base):
    """A consent, given by signed sheet (photos with the subject ``mandate``) or by consent code; valid for 30 days."""

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


MANDATE = Subject(
    "mandate",
    Mandate,
    owner=Mandate.user_id,
    place=select(User.region_code).where(User.id == Mandate.user_id).scalar_subquery(),
    household=select(User.household_id).where(User.id == Mandate.user_id).scalar_subquery(),
    photos=("mandate",),
)


class ProxyAct(Base):
    """One act done by mandate; shown as not confirmed until the resident confirms it. At most one per subject."""

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
        one_of("subject", SUBJECTS),
        CheckConstraint("confirmed_at IS NULL OR denied_at IS NULL", name="one_answer"),
        Index("uq_proxy_acts_subject", "subject", "subject_id", unique=True),
    )


def grant_mandate(
    db: Session, staff_id: int, user_id: int, kind: str, scope: str, draft_id: str, now: datetime
) -> Mandate:
    """Store a mandate; the same draft gives the same one. The caller attaches a sheet's photos right afterwards."""
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
    record_mandate_event(db, mandate, f"staff:{staff_id}", "granted", f"{kind}:{scope}", now)
    return mandate


def live_mandate(db: Session, user_id: int, staff_id: int, scope: str, now: datetime) -> Mandate | None:
    """Find the newest live mandate of this scope from this resident to this officer; None without one."""
    theirs = (Mandate.user_id == user_id) & (Mandate.staff_id == staff_id) & (Mandate.scope == scope)
    return db.scalar(select(Mandate).where(theirs, _is_live(now)).order_by(Mandate.id.desc()).limit(1))


def live_mandates(db: Session, staff_id: int, scope: str, now: datetime, most: int) -> Sequence[Mandate]:
    """List the officer's live mandates of this scope, the newest first."""
    theirs = (Mandate.staff_id == staff_id) & (Mandate.scope == scope)
    return db.scalars(select(Mandate).where(theirs, _is_live(now)).order_by(Mandate.id.desc()).limit(most)).all()


def get_mandate(db: Session, number: int, staff_id: int, scope: str, now: datetime) -> Mandate:
    """Get a live mandate under lock, so that it cannot be revoked meanwhile. Raises NoMandate, also for another's."""
    theirs = (Mandate.id == number) & (Mandate.staff_id == staff_id) & (Mandate.scope == scope)
    found = select(Mandate).where(theirs, _is_live(now)).with_for_update()
    mandate = db.scalar(found.execution_options(populate_existing=True))
    if mandate is None:
        raise NoMandate
    return mandate


def revoke_mandate(db: Session, mandate: Mandate, actor: str, now: datetime) -> None:
    if mandate.revoked_at is None:
        mandate.revoked_at = now
        record_mandate_event(db, mandate, actor, "revoked", None, now)
        db.flush()


def revoke_all_mandates(db: Session, user_id: int, actor: str, now: datetime) -> int:
    """Revoke all live mandates of a resident, under lock. Returns how many."""
    live = (Mandate.user_id == user_id) & Mandate.revoked_at.is_(None) & (Mandate.expires_at > now)
    found = db.scalars(select(Mandate).where(live).with_for_update()).all()
    for mandate in found:
        revoke_mandate(db, mandate, actor, now)
    return len(found)


def acted_for(db: Session, subject: str, number: int, household_id: int | None) -> dict[int, str]:
    """Staff id -> ``acted_for``: who wrote this appeal or these thanks by mandate, answered for this match, or
    registered a member of the case's household, or of that of whom is to be erased."""
    by_mandate = select(Mandate.staff_id).join(ProxyAct, ProxyAct.mandate_id == Mandate.id)
    if subject in ("appeal", "match", "goods_thanks"):
        acts = _OF_MATCH if subject == "match" else (subject,)
        found = by_mandate.where(ProxyAct.subject.in_(acts), ProxyAct.subject_id == number)
    elif subject in ("case", PAPER_ERASURE) and household_id is not None:
        members = select(User.id).where(User.household_id == household_id)
        found = by_mandate.where(ProxyAct.subject == "user", ProxyAct.subject_id.in_(members))
    else:
        return {}
    return dict.fromkeys(db.scalars(found), ACTED)


def is_unconfirmed(db: Session, subject: str, number: int) -> bool:
    """Tell whether this was done by mandate and the resident has not confirmed it."""
    act = (ProxyAct.subject == subject) & (ProxyAct.subject_id == number) & ProxyAct.confirmed_at.is_(None)
    return db.scalar(select(ProxyAct.id).where(act)) is not None


def signed_sheet_of(db: Session, subject: str, number: int) -> tuple[int, bool] | None:
    """Find the mandate number behind a registration or appeal, and whether a photo of its signed sheet exists.

    A later sheet of the same resident and officer replaces a lost one. None if no act by signed sheet exists.
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


def record_mandate_event(
    db: Session, mandate: Mandate, actor: str, action: str, detail: str | None, now: datetime
) -> None:
    record(db, at=now, actor=actor, action=action, subject="mandate", subject_id=mandate.id, detail=detail)


def _is_live(now: datetime) -> ColumnElement[bool]:
    photo = (Photo.subject == "mandate") & (Photo.subject_id == Mandate.id) & Photo.state.in_(("owed", "kept"))
    seen = or_(Mandate.kind == "code", select(Photo.id).where(photo).exists())
    return Mandate.revoked_at.is_(None) & (Mandate.expires_at > now) & seen
