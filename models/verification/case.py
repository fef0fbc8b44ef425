"""Is this household who it says, and in need? The case that says so, from registration to the county's word.

The way: the registry is asked (a job), an officer visits, the village reads it on public notice, the township looks at
a sample, the county decides. Every step is somebody else's, and has its days; all together have fifteen.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, SmallInteger, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.refusal import Refusal
from models.core.state_machine import Actor, By, Machine
from models.core.subject import Subject
from models.people.user import User
from models.staff.task import Matter, close_task
from models.verification.registry import RESULTS

# What a resident is promised, and what the notice lasts at least.
PROMISED = timedelta(days=15)
NOTICE = timedelta(days=5)
LASTS = timedelta(days=365)
REMINDER = timedelta(days=30)
# After a rejection, before officers go there again.
WAIT = timedelta(days=30)

_SYSTEM = frozenset({By.SYSTEM})
_OWNER = frozenset({By.OWNER})
# Those above stand in where a village has nobody, or did not act in time.
_OFFICER = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})
_TOWNSHIP = frozenset({By.TOWNSHIP, By.COUNTY})
_COUNTY = frozenset({By.COUNTY})

# On the way to a decision.
UNDER_WAY = (
    "submitted",
    "registry_checked",
    "visited",
    "public_notice",
    "adjudication",
    "township_review",
    "county_review",
)
# Decided in their favour: one of these and one under way may be there at once, so that nobody falls out in between.
STANDING = ("verified", "suspended")
OPEN = (*UNDER_WAY, *STANDING)
# What a household may leave; a doubt of the county does not end by leaving.
_LEFT = (*UNDER_WAY, "verified")

MACHINE = Machine(
    "case",
    {
        ("draft", "submitted"): frozenset({By.OWNER, By.VILLAGE, By.TOWNSHIP, By.COUNTY}),
        ("submitted", "registry_checked"): _SYSTEM,
        ("registry_checked", "visited"): _OFFICER,
        ("visited", "public_notice"): _SYSTEM,
        # Not in need, the officer found: nothing to publish, and not the village's to decide.
        ("visited", "township_review"): _SYSTEM,
        ("public_notice", "adjudication"): _SYSTEM,
        ("adjudication", "public_notice"): _TOWNSHIP,
        ("adjudication", "registry_checked"): _TOWNSHIP,
        ("public_notice", "township_review"): _SYSTEM,
        ("township_review", "county_review"): frozenset({By.TOWNSHIP, By.COUNTY, By.SYSTEM}),
        ("township_review", "registry_checked"): _TOWNSHIP,
        ("county_review", "registry_checked"): _COUNTY,
        ("county_review", "verified"): _COUNTY,
        ("county_review", "rejected"): _COUNTY,
        # An appeal against the county's no was heard.
        ("rejected", "registry_checked"): _COUNTY,
        ("verified", "expired"): _SYSTEM,
        ("verified", "suspended"): _COUNTY,
        ("suspended", "verified"): _COUNTY,
        ("suspended", "revoked"): _COUNTY,
        ("suspended", "expired"): _SYSTEM,
        **{(state, "withdrawn"): frozenset({By.OWNER, By.SYSTEM}) for state in _LEFT},
    },
)


class NoSuchCase(Refusal):
    code = "no_such_case"


class CaseRevoked(Refusal):
    """Only the county can let this household begin anew."""

    code = "case_revoked"


class RejectedLately(Refusal):
    """Officers went there not long ago; until ``day`` the way is to appeal the decision."""

    code = "rejected_lately"


class NotOnNotice(Refusal):
    """Objections are heard while the case is on public notice; ``state`` says where it stands."""

    code = "not_on_notice"
    final = True


class NotVerified(Refusal):
    """The household's own case comes first: ``number`` and ``state`` of it, if there is one."""

    code = "not_verified"


class Verification(Base):
    """``due_at`` is the end of the 15 days that were promised. ``round`` counts how often officers went anew.

    ``registry_…``: what the registry said, in its own words, and when it is asked again while it does not answer.
    """

    __tablename__ = "verifications"
    id: Mapped[RowId]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"))
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    state: Mapped[str] = mapped_column(String(20), default="draft")
    round: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    submitted_at: Mapped[datetime]
    due_at: Mapped[datetime]
    registry_result: Mapped[str | None] = mapped_column(String(16))
    registry_status: Mapped[str | None] = mapped_column(String(40))
    registry_source: Mapped[str | None] = mapped_column(String(60))
    registry_as_of: Mapped[date | None] = mapped_column(Date)
    registry_tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    registry_next_at: Mapped[datetime | None]
    visited_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    visited_at: Mapped[datetime | None]
    notice_from: Mapped[datetime | None]
    notice_until: Mapped[datetime | None]
    sampled: Mapped[bool | None]
    reviewed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    reasons: Mapped[str | None] = mapped_column(String(200))
    expires_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]

    __table_args__: Any = (
        one_of("state", MACHINE.states),
        one_of("registry_result", RESULTS),
        CheckConstraint("state <> 'verified' OR expires_at IS NOT NULL", name="verified_ends"),
        CheckConstraint("visited_by <> reviewed_by", name="visit_and_review_by_two"),
        CheckConstraint("visited_by <> decided_by", name="visit_and_decision_by_two"),
        CheckConstraint("reviewed_by <> decided_by", name="review_and_decision_by_two"),
        *(
            Index(
                f"uq_verifications_one_{name}",
                "user_id",
                unique=True,
                postgresql_where=text(f"state IN {states}"),
            )
            for name, states in (("under_way", UNDER_WAY), ("standing", STANDING))
        ),
        Index("ix_verifications_user_id", "user_id", "id"),
        Index("ix_verifications_household_id", "household_id", "id"),
        Index("ix_verifications_region_state", "region_code", "state", "submitted_at"),
        Index(
            "ix_verifications_notice",
            "notice_until",
            postgresql_where=text("state = 'public_notice'"),
        ),
        Index(
            "ix_verifications_registry",
            "state",
            "registry_next_at",
            postgresql_where=text("registry_next_at IS NOT NULL"),
        ),
        Index(
            "ix_verifications_expires",
            "expires_at",
            postgresql_where=text(f"state IN {STANDING}"),
        ),
        Index(
            "ix_verifications_reminder",
            "state",
            "expires_at",
            postgresql_where=text("reminded_at IS NULL"),
        ),
    )

    @property
    def matter(self) -> Matter:
        return Matter("case", self.id, self.region_code, self.household_id)


CASE = Subject(
    "case",
    Verification,
    MACHINE,
    begins=("draft",),
    owner=Verification.user_id,
    place=Verification.region_code,
    household=Verification.household_id,
)


def get_case(db: Session, number: int) -> Verification:
    """Locked until the transaction ends. Raises NoSuchCase."""
    case = db.get(Verification, number, with_for_update=True, populate_existing=True)
    if case is None:
        raise NoSuchCase(number=number)
    return case


def may_renew(case: Verification, now: datetime) -> bool:
    """A verified household may begin anew in its last month, and is verified until the old case ends or the new."""
    return case.state == "verified" and case.expires_at is not None and case.expires_at - REMINDER <= now


def may_begin_on(case: Verification) -> datetime | None:
    """From when on a household that was turned down may begin anew; None where nothing says when."""
    return case.decided_at + WAIT if case.state == "rejected" and case.decided_at else None


def begin_case(db: Session, user: User, actor: Actor, now: datetime) -> Verification:
    """Begin a new case where one may begin; the open one otherwise. The registry is to be asked at once.

    Raises CaseRevoked, or RejectedLately with the ``day`` from which on it may.
    """
    theirs = (Verification.user_id == user.id) & Verification.state.in_(OPEN)
    still = db.scalar(select(Verification).where(theirs).order_by(Verification.id.desc()).limit(1))
    if still and not may_renew(still, now):
        return still
    earlier = case_of(db, user.id)
    if earlier and earlier.state == "revoked":
        raise CaseRevoked(number=earlier.id)
    day = may_begin_on(earlier) if earlier else None
    if earlier and day and now < day:
        raise RejectedLately(number=earlier.id, day=day)
    case = Verification(
        user_id=user.id,
        household_id=user.household_id,
        region_code=user.region_code,
        state="draft",
        submitted_at=now,
        due_at=now + PROMISED,
        registry_next_at=now,
    )
    db.add(case)
    db.flush()
    MACHINE.move(db, case, "submitted", actor, now)
    db.flush()
    return case


def case_of(db: Session, user_id: int) -> Verification | None:
    """A person's newest case, in whatever state."""
    return db.scalar(
        select(Verification).where(Verification.user_id == user_id).order_by(Verification.id.desc()).limit(1)
    )


def hold_cases(db: Session, household_id: int | None) -> Sequence[Verification]:
    """The household's cases as they are now, and stay until the transaction ends; the newest first.

    Whoever locks both takes cases before appeals, the newest case and the lowest appeal first: else two would wait for
    each other.
    """
    theirs = select(Verification).where(Verification.household_id == household_id).order_by(Verification.id.desc())
    held = theirs.limit(20).with_for_update(read=True).execution_options(populate_existing=True)
    return db.scalars(held).all()


def check_verified(db: Session, household_id: int | None, now: datetime) -> None:
    """Raises NotVerified unless somebody of the household is verified today."""
    cases = hold_cases(db, household_id)
    if not any(case.state == "verified" and case.expires_at and case.expires_at > now for case in cases):
        newest = cases[0] if cases else None
        raise NotVerified(number=newest.id if newest else None, state=newest.state if newest else None)


def withdraw(db: Session, user_id: int, actor: Actor, now: datetime) -> None:
    """The person is no longer there, or does not want it any more; what the county has doubts about stays stopped."""
    theirs = (Verification.user_id == user_id) & Verification.state.in_(_LEFT)
    found = select(Verification).where(theirs).order_by(Verification.id.desc()).with_for_update()
    for case in db.scalars(found.execution_options(populate_existing=True)):
        MACHINE.move(db, case, "withdrawn", actor, now)
        close_task(db, "case", case.id, now)
