"""注销 on paper: an officer hands in the signed sheet of a person without a WeChat of their own.

submitted → cooling / returned     by a second person of the township, who has opened the sheet; the county stands in
submitted, cooling → stopped       an officer of the village or township, on the person's word; or the system
cooling → erased                   by the clock, after COOLS
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.audit_trail import record
from models.core.base import Base, RowId, one_of
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, By, Machine
from models.core.subject import Subject
from models.people.conversation import Conversation
from models.people.user import User, lock_home
from models.proxy.mandate import ACTED, PAPER_ERASURE
from models.rights.erasure.standing import show_standing
from models.staff.decision import end_review
from models.staff.member import Staff, all_seats_of, notify_staff
from models.staff.task import Matter, open_task
from models.staff.task_steps import STEPS

SUBJECT = PAPER_ERASURE
STEP = "erasure_sheet"
DAYS = STEPS[STEP][1]
LIVE = ("submitted", "cooling")
_IS_LIVE = text("state IN ('submitted', 'cooling')")
_SECOND = frozenset({By.TOWNSHIP, By.COUNTY})
# By the county too: the village's and the township's may be the two who did it.
_STOPS = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY, By.SYSTEM})

MACHINE = Machine(
    SUBJECT,
    {
        ("submitted", "cooling"): _SECOND,
        ("submitted", "returned"): _SECOND,
        ("submitted", "stopped"): _STOPS,
        ("cooling", "stopped"): _STOPS,
        ("cooling", "erased"): frozenset({By.SYSTEM}),
    },
)


class HasOwnWeChat(Refusal):
    """The person has a WeChat of their own, in which they ask themselves and any message stops it."""

    code = "has_own_wechat"
    final = True


class HandedInAlready(Refusal):
    """The erasure of this person, ``number``, was handed in and is not over."""

    code = "handed_in_already"
    final = True


class CannotEraseThem(Refusal):
    """Something has to end before this person is erased. ``holds``: what (models.rights.erasure.standing)."""

    code = "cannot_erase_them"
    final = True


class PaperErasure(Base):
    """One person's erasure, asked for on paper. ``until``: when the clock begins it.

    ``staff_id`` handed it in, ``confirmed_by`` opened the sheet and confirmed it.
    """

    __tablename__ = "paper_erasures"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    state: Mapped[str] = mapped_column(String(12), default="submitted")
    asked_at: Mapped[datetime]
    until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", MACHINE.states),
        CheckConstraint("confirmed_by <> staff_id", name="two_signed"),
        CheckConstraint("(confirmed_by IS NULL) = (until IS NULL)", name="confirmed_is_dated"),
        CheckConstraint("state NOT IN ('cooling', 'erased') OR confirmed_by IS NOT NULL", name="confirmed"),
        CheckConstraint("(ended_at IS NULL) = (state IN ('submitted', 'cooling'))", name="ended_is_dated"),
        Index("uq_paper_erasures_live", "user_id", unique=True, postgresql_where=_IS_LIVE),
        Index("ix_paper_erasures_due", "until", postgresql_where=text("state = 'cooling'")),
    )

    @property
    def matter(self) -> Matter:
        return Matter(SUBJECT, self.id, self.region_code, self.household_id)


PAPER = Subject(
    SUBJECT,
    PaperErasure,
    MACHINE,
    begins=("submitted",),
    owner=PaperErasure.user_id,
    place=PaperErasure.region_code,
    household=PaperErasure.household_id,
    photos=(SUBJECT,),
)


def check_may_be_erased(db: Session, user_id: int) -> None:
    """Raises HasOwnWeChat or CannotEraseThem."""
    if has_own_wechat(db, user_id):
        raise HasOwnWeChat
    holds = show_standing(db, None, user_id).holds
    if holds:
        raise CannotEraseThem(holds=[hold.facts for hold in holds])


def check_may_hand_in(db: Session, user_id: int) -> None:
    """Raises HandedInAlready, HasOwnWeChat or CannotEraseThem."""
    live = (PaperErasure.user_id == user_id) & PaperErasure.state.in_(LIVE)
    number = db.scalar(select(PaperErasure.id).where(live))
    if number:
        raise HandedInAlready(number=number)
    check_may_be_erased(db, user_id)


def has_own_wechat(db: Session, user_id: int) -> bool:
    return db.scalar(select(Conversation.id).where(Conversation.user_id == user_id).limit(1)) is not None


def hand_in(db: Session, staff: Staff, user: User, draft_id: str, now: datetime) -> PaperErasure:
    """Put it before a second person of the township; the same draft twice is one. The caller attaches the photos.

    Raises as ``check_may_hand_in`` does.
    """
    earlier = db.scalar(select(PaperErasure).where(PaperErasure.draft_id == draft_id))
    if earlier:
        return earlier
    check_may_hand_in(db, user.id)
    paper = PaperErasure(
        draft_id=draft_id,
        user_id=user.id,
        region_code=user.region_code,
        household_id=lock_home(db, user),
        staff_id=staff.id,
        asked_at=now,
    )
    db.add(paper)
    db.flush()
    record(db, at=now, actor=staff.actor.name, action="asked", subject=SUBJECT, subject_id=paper.id)
    open_task(db, paper.matter, STEP, now, dict.fromkeys(all_seats_of(db, [staff.id]), ACTED))
    return paper


def withdraw_paper_erasure(db: Session, user_id: int, now: datetime) -> None:
    """Stop what is live, as the account is no more the person's or they are erased in another way."""
    live = (PaperErasure.user_id == user_id) & PaperErasure.state.in_(LIVE)
    paper = db.scalar(select(PaperErasure).where(live).with_for_update())
    if paper:
        paper.ended_at = now
        end_review(db, MACHINE, paper, "stopped", SYSTEM, now)


def tell_officer(db: Session, paper: PaperErasure, what: str, now: datetime, **facts: object) -> None:
    """Notify who handed it in. ``what``: confirmed, returned, stopped, put_off, restored or erased."""
    staff = db.get_one(Staff, paper.staff_id)
    told = {"number": paper.id, "what": what, **facts}
    key = f"paper_erasure_moved:{paper.id}:{what}:{now.timestamp()}"
    notify_staff(db, staff, "paper_erasure_moved", told, key, now, (SUBJECT, paper.id))
