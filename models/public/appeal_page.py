"""Keep the public page of an appeal: its owner looked at it, agreed to it and closed it; and tell whether it is open.

The agreement stands beside the consent to publish, and for the page alone. A page is open by a rule and by no state:
what freezes, hides, cancels or erases closes it without a word to this room.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Select, SmallInteger, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import Appeal, get_appeal
from models.core.audit_trail import AuditEvent, record
from models.core.base import Base, RowId
from models.core.calendar import CHINA
from models.core.hooks import Hook
from models.core.refusal import Refusal
from models.core.state_machine import Actor
from models.organisations.filing import Filing
from models.people.user import User

SUBJECT = "appeal_page"
# The wording that is shown today, raised when more becomes public: what an owner agreed to earlier opens no page then.
# It stands in templates/shared/public/page_wording.txt.
WORDING = 1
# A look counts so long; afterwards the page may have changed, and is to be looked at again.
LOOK_LASTS = timedelta(days=3)
# So long after its end an appeal's page stays.
STAYS = timedelta(days=90)
# States in which an appeal is over and its page stays for a while.
ENDED = ("failed", "completed")
# States in which there is no page.
_CLOSED = ("frozen", "cancelled")


# Arguments: the appeal's number. Called when its page was agreed to or closed: the copies of its photos follow.
on_turned: Hook[[Session, int, datetime], list[int]] = Hook("public.appeal_page.on_turned")


class PageNotNow(Refusal):
    """The appeal can have no page now: it is not published, stopped, hidden, long over, or its filing is not live."""

    code = "page_not_now"


class LookFirst(Refusal):
    """The page was not looked at lately, or in another wording: who agrees has seen what becomes public."""

    code = "look_at_page_first"


class NoPage(Refusal):
    """The appeal has no page that is open, or that its owner could close."""

    code = "no_page"


class Standing(StrEnum):
    """How the address of an appeal's page answers: open; closed, though it was open once; or there never was one."""

    OPEN = "open"
    CLOSED = "closed"
    NEVER = "never"


class AppealPage(Base):
    """One appeal's page. ``shown_at``: when its owner last looked at it before agreeing, in ``wording``.

    A new look after closing clears ``agreed_at``; ``closed_at`` stays until the owner agrees again. Who did each is in
    the audit trail.
    """

    __tablename__ = "appeal_pages"
    id: Mapped[RowId]
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), unique=True)
    wording: Mapped[int] = mapped_column(SmallInteger)
    shown_at: Mapped[datetime]
    agreed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("agreed_at >= shown_at", name="agreed_to_what_was_shown"),
        CheckConstraint("closed_at >= agreed_at", name="closed_after_agreed"),
    )


def is_open(db: Session, number: int, now: datetime) -> bool:
    """Tell whether everybody may read the appeal's page now."""
    return standing(db, number, now) is Standing.OPEN


def standing(db: Session, number: int, now: datetime) -> Standing:
    page = AppealPage
    mine = select(_is_agreed() & may_have_page(now)).select_from(page).join(Appeal, Appeal.id == page.appeal_id)
    was = page.agreed_at.is_not(None) | page.closed_at.is_not(None)
    found = db.scalar(mine.join(User, User.id == Appeal.owner_id).where(page.appeal_id == number, was))
    return Standing.NEVER if found is None else Standing.OPEN if found else Standing.CLOSED


def open_pages(now: datetime) -> Select[int]:
    """Select the numbers of the appeals whose pages are open."""
    mine = select(AppealPage.appeal_id).join(Appeal, Appeal.id == AppealPage.appeal_id)
    return mine.join(User, User.id == Appeal.owner_id).where(_is_agreed(), may_have_page(now))


def may_have_page(now: datetime) -> ColumnElement[bool]:
    """Build the condition on ``Appeal`` and ``User``, its owner, that the appeal may have a page, agreed to or not.

    While it collects, its filing is live today; afterwards it stands with the filing under which it collected.
    """
    today = now.astimezone(CHINA).date()
    filed = select(Filing.id).where(Filing.id == Appeal.filing_id, Filing.from_day <= today)
    filed = filed.where(or_(Appeal.state != "funding", Filing.to_day >= today))
    ended = (AuditEvent.subject == "appeal") & (AuditEvent.subject_id == Appeal.id) & AuditEvent.to_state.in_(ENDED)
    lately = select(AuditEvent.id).where(ended, AuditEvent.at > now - STAYS)
    return (
        Appeal.published_at.is_not(None)
        & Appeal.state.not_in(_CLOSED)
        & Appeal.hidden_at.is_(None)
        & (User.state == "active")
        & or_(Appeal.kind != "crowdfund", filed.exists())
        & or_(Appeal.state.not_in(ENDED), lately.exists())
    )


def can_have_page(db: Session, appeal: Appeal, now: datetime) -> bool:
    mine = select(Appeal.id).join(User, User.id == Appeal.owner_id).where(Appeal.id == appeal.id, may_have_page(now))
    return db.scalar(mine) is not None


def check_can_have_page(db: Session, appeal: Appeal, now: datetime) -> None:
    """Raises PageNotNow."""
    if not can_have_page(db, appeal, now):
        raise PageNotNow(number=appeal.id, state=appeal.state)


def is_agreed(page: AppealPage | None) -> bool:
    """Tell whether the owner's agreement to today's wording stands; the rule may keep the page closed all the same."""
    return page is not None and page.wording == WORDING and page.agreed_at is not None and page.closed_at is None


def has_looked(page: AppealPage | None, now: datetime) -> bool:
    """Tell whether the owner may agree now: they have looked at the page lately, and agreed to nothing since."""
    if page is None or page.wording != WORDING or page.agreed_at is not None:
        return False
    return page.shown_at > now - LOOK_LASTS


def find_page(db: Session, number: int, *, lock: bool = False) -> AppealPage | None:
    found = select(AppealPage).where(AppealPage.appeal_id == number)
    if lock:
        found = found.with_for_update().execution_options(populate_existing=True)
    return db.scalar(found)


def record_look(db: Session, number: int, actor: Actor, now: datetime) -> None:
    """Record that the owner was shown the page as it would be public. Raises NoSuchAppeal or PageNotNow."""
    check_can_have_page(db, get_appeal(db, number), now)
    made = insert(AppealPage).values(appeal_id=number, wording=WORDING, shown_at=now)
    db.execute(made.on_conflict_do_nothing())
    page = find_page(db, number, lock=True)
    if page is None or is_agreed(page):
        return
    if page.agreed_at is not None and page.closed_at is None:
        page.closed_at = now  # what was agreed to in an older wording
    page.wording, page.shown_at, page.agreed_at = WORDING, now, None
    db.flush()
    _record(db, number, "page_shown", actor, now)


def agree(db: Session, number: int, actor: Actor, now: datetime) -> None:
    """Open the page, as its owner agrees to what they looked at. Raises NoSuchAppeal, PageNotNow or LookFirst."""
    check_can_have_page(db, get_appeal(db, number), now)
    page = find_page(db, number, lock=True)
    if is_agreed(page):
        return
    if page is None or not has_looked(page, now):
        raise LookFirst(number=number)
    page.agreed_at, page.closed_at = now, None
    db.flush()
    on_turned(db, number, now)
    _record(db, number, "page_agreed", actor, now)


def close(db: Session, number: int, actor: Actor, now: datetime) -> None:
    """Close the page at its owner's word, whatever state the appeal is in. Raises NoPage."""
    page = find_page(db, number, lock=True)
    if page is None or page.agreed_at is None or page.closed_at is not None:
        raise NoPage(number=number)
    page.closed_at = now
    db.flush()
    on_turned(db, number, now)
    _record(db, number, "page_closed", actor, now)


def _is_agreed() -> ColumnElement[bool]:
    page = AppealPage
    return page.agreed_at.is_not(None) & page.closed_at.is_(None) & (page.wording == WORDING)


def _record(db: Session, number: int, action: str, actor: Actor, now: datetime) -> None:
    """Write the audit event; ``detail``: the wording's version."""
    record(db, at=now, actor=actor.name, action=action, subject=SUBJECT, subject_id=number, detail=str(WORDING))
