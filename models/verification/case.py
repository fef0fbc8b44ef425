"""Verification cases: staff verify a household's identity and need, from registration to the county's decision.

The steps: a job asks the registry, an officer visits, the case stands on public notice, the township reviews a sample,
the county decides. Each step belongs to another person and has its own deadline; together they have fifteen days.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, SmallInteger, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.hooks import Hook
from models.core.refusal import Refusal
from models.core.state_machine import Actor, By, Machine
from models.core.subject import Subject
from models.people.user import User, lock_home
from models.staff.task import Matter, close_task
from models.verification.registry import RESULTS

# PROMISED: the time to a decision that a resident is promised. NOTICE_PERIOD: how long a case stands on public notice.
PROMISED = timedelta(days=15)
NOTICE_PERIOD = timedelta(days=5)
VALIDITY = timedelta(days=365)
REMINDER = timedelta(days=30)
# How long after a rejection a household waits before it may begin a new case.
WAIT_AFTER_REJECTION = timedelta(days=30)

_SYSTEM = frozenset({By.SYSTEM})
_OWNER = frozenset({By.OWNER})
# Township and county stand in where a village has no officer, or did not act in time.
_OFFICER = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})
_TOWNSHIP = frozenset({By.TOWNSHIP, By.COUNTY})
_COUNTY = frozenset({By.COUNTY})

# States before a decision.
UNDER_WAY = (
    "submitted",
    "registry_checked",
    "visited",
    "public_notice",
    "adjudication",
    "township_review",
    "county_review",
)
# Decided in favour. A person may have one of these and one under way at once, so that renewal leaves no gap.
STANDING = ("verified", "suspended")
OPEN = (*UNDER_WAY, *STANDING)
# States that a household may withdraw from. It cannot withdraw from ``suspended`` to escape the county's doubt.
WITHDRAWABLE = (*UNDER_WAY, "verified")

# Arguments: the case's id, the state and the time. Called when a case has just been verified.
on_verified_case: Hook[[Session, int, str, datetime], None] = Hook("verification.case.on_verified_case")

MACHINE = Machine(
    "case",
    {
        ("draft", "submitted"): frozenset({By.OWNER, By.VILLAGE, By.TOWNSHIP, By.COUNTY}),
        ("submitted", "registry_checked"): _SYSTEM,
        ("registry_checked", "visited"): _OFFICER,
        ("visited", "public_notice"): _SYSTEM,
        # The officer found no need: there is nothing to publish, and the village does not decide it.
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
        # The household appealed against the county's rejection, and was heard.
        ("rejected", "registry_checked"): _COUNTY,
        ("verified", "expired"): _SYSTEM,
        ("verified", "suspended"): _COUNTY,
        ("suspended", "verified"): _COUNTY,
        ("suspended", "revoked"): _COUNTY,
        ("suspended", "expired"): _SYSTEM,
        **{(state, "withdrawn"): frozenset({By.OWNER, By.SYSTEM}) for state in WITHDRAWABLE},
    },
    then={"verified": on_verified_case},
)

# Arguments: the household's id. Called when a verification of it has ended otherwise than by another of that person's.
on_ended: Hook[[Session, int, datetime], None] = Hook("verification.case.on_ended")
# Arguments: the household's id. Locks the organisation that it is the row of (FOR SHARE) and tells whether the county
# has confirmed it; None of a family's household. ``is_confirmed`` tells the same without a lock.
may_ask: Hook[[Session, int | None], bool | None] = Hook("verification.case.may_ask")
is_confirmed: Hook[[Session, int | None], bool | None] = Hook("verification.case.is_confirmed")


class NoSuchCase(Refusal):
    code = "no_such_case"


class CaseRevoked(Refusal):
    """The household's case was revoked: only the county can let it begin again."""

    code = "case_revoked"


class RejectedLately(Refusal):
    """The household was rejected lately: until ``day`` it may appeal the decision, but not begin a new case."""

    code = "rejected_lately"


class NotVerified(Refusal):
    """The household is not verified. ``number`` and ``state``: of its newest case, None without one."""

    code = "not_verified"


class Verification(Base):
    """A verification case of one person and their household.

    ``due_at``: the end of the promised 15 days. ``round``: 1, and one more each time the case goes back to a visit.
    ``registry_…``: what the registry answered, in its own words; ``registry_next_at``: when it is asked again.
    """

    __tablename__ = "verifications"
    id: Mapped[RowId]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"))
    counted_as: Mapped[int | None] = mapped_column(ForeignKey("households.id"))
    """The household as which public figures count it, where its person has moved to another since it was verified."""
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
            "ix_verifications_waiting",
            "region_code",
            "submitted_at",
            postgresql_where=text(f"state IN {UNDER_WAY}"),
        ),
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


def lock_case(db: Session, number: int) -> Verification:
    """Get a case, locked until the transaction ends. Raises NoSuchCase."""
    case = db.get(Verification, number, with_for_update=True, populate_existing=True)
    if case is None:
        raise NoSuchCase(number=number)
    return case


def may_renew(case: Verification, now: datetime) -> bool:
    """Tell whether a verified household may begin a new case: in the last month of the old one, which stays valid."""
    return case.state == "verified" and case.expires_at is not None and case.expires_at - REMINDER <= now


def may_begin_from(case: Verification) -> datetime | None:
    """Return from when a rejected household may begin a new case; None for a case that was not rejected."""
    return case.decided_at + WAIT_AFTER_REJECTION if case.state == "rejected" and case.decided_at else None


def begin_case(db: Session, user: User, actor: Actor, now: datetime) -> Verification:
    """Begin a new case, or return the open one. The caller starts the job that asks the registry.

    Raises CaseRevoked, or RejectedLately with the ``day`` from which a new case may begin.
    """
    theirs = (Verification.user_id == user.id) & Verification.state.in_(OPEN)
    still = db.scalar(select(Verification).where(theirs).order_by(Verification.id.desc()).limit(1))
    if still and not may_renew(still, now):
        return still
    earlier = newest_case_of(db, user.id)
    if earlier and earlier.state == "revoked":
        raise CaseRevoked(number=earlier.id)
    day = may_begin_from(earlier) if earlier else None
    if earlier and day and now < day:
        raise RejectedLately(number=earlier.id, day=day)
    case = Verification(
        user_id=user.id,
        household_id=lock_home(db, user),
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


def newest_case_of(db: Session, user_id: int) -> Verification | None:
    """Find a person's newest case, in any state."""
    return db.scalar(
        select(Verification).where(Verification.user_id == user_id).order_by(Verification.id.desc()).limit(1)
    )


def lock_cases(db: Session, household_id: int | None) -> Sequence[Verification]:
    """Lock the household's cases (FOR SHARE) until the transaction ends and return them, the newest first.

    Of an organisation, which has none, the organisation itself. Lock order: cases before appeals, the newest case
    first and the lowest appeal first, to avoid deadlocks.
    """
    return _lock(db, household_id)[0]


def check_verified(db: Session, household_id: int | None, now: datetime) -> None:
    """Check that a member of the household is verified today, or that the organisation is confirmed; locks as
    ``lock_cases`` does. Raises NotVerified.
    """
    cases, confirmed = _lock(db, household_id)
    if confirmed or any(case.state == "verified" and case.expires_at and case.expires_at > now for case in cases):
        return
    newest = cases[0] if cases else None
    raise NotVerified(number=newest.id if newest else None, state=newest.state if newest else None)


def is_verified(db: Session, household_id: int | None, now: datetime) -> bool:
    """Tell as ``check_verified`` does, without a lock."""
    theirs = (Verification.household_id == household_id) & (Verification.state == "verified")
    if db.scalar(select(Verification.id).where(theirs, Verification.expires_at > now).limit(1)) is not None:
        return True
    return is_confirmed(db, household_id) is True


def _lock(db: Session, household_id: int | None) -> tuple[Sequence[Verification], bool | None]:
    """Lock the household's cases, or the organisation; returns them, and whether that is confirmed (``may_ask``)."""
    theirs = select(Verification).where(Verification.household_id == household_id).order_by(Verification.id.desc())
    held = theirs.limit(20).with_for_update(read=True).execution_options(populate_existing=True)
    found = db.scalars(held).all()
    return found, None if found else may_ask(db, household_id)


def is_suspended(db: Session, household_id: int | None) -> bool:
    """Tell whether a case of the household is suspended; the caller holds its cases (lock_cases)."""
    theirs = (Verification.household_id == household_id) & (Verification.state == "suspended")
    return db.scalar(select(Verification.id).where(theirs).limit(1)) is not None


def withdraw(db: Session, user_id: int, actor: Actor, now: datetime) -> None:
    """Withdraw a person's cases under way and verified ones, under lock; a suspended case stays suspended."""
    theirs = (Verification.user_id == user_id) & Verification.state.in_(WITHDRAWABLE)
    found = select(Verification).where(theirs).order_by(Verification.id.desc()).with_for_update()
    ended = []
    for case in db.scalars(found.execution_options(populate_existing=True)):
        ended += [case.household_id] if case.state == "verified" else []
        MACHINE.move(db, case, "withdrawn", actor, now)
        close_task(db, "case", case.id, now)
    for household_id in ended:
        on_ended(db, household_id, now)
