"""Is this household who it says, and in need? The case that says so, from registration to the county's word."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RowId, one_of
from models.machine import By, Machine
from models.registry import RESULTS

_SYSTEM = frozenset({By.SYSTEM})
_OWNER = frozenset({By.OWNER})
_OFFICER = frozenset({By.VILLAGE, By.TOWNSHIP})
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
# States in which a person has no second case.
OPEN = (*UNDER_WAY, "verified", "suspended")

MACHINE = Machine(
    "case",
    {
        ("draft", "submitted"): frozenset({By.OWNER, By.VILLAGE, By.TOWNSHIP}),
        ("submitted", "registry_checked"): _SYSTEM,
        ("registry_checked", "visited"): _OFFICER,
        ("registry_checked", "rejected"): _OFFICER,
        ("visited", "public_notice"): _SYSTEM,
        ("public_notice", "adjudication"): _SYSTEM,
        ("adjudication", "public_notice"): _TOWNSHIP,
        ("adjudication", "registry_checked"): _TOWNSHIP,
        ("public_notice", "township_review"): _SYSTEM,
        ("township_review", "county_review"): frozenset({By.TOWNSHIP, By.COUNTY, By.SYSTEM}),
        ("township_review", "registry_checked"): _TOWNSHIP,
        ("county_review", "registry_checked"): _COUNTY,
        ("county_review", "verified"): _COUNTY,
        ("county_review", "rejected"): _COUNTY,
        ("verified", "expired"): _SYSTEM,
        ("verified", "suspended"): _COUNTY,
        ("suspended", "verified"): _COUNTY,
        ("suspended", "revoked"): _COUNTY,
        ("suspended", "expired"): _SYSTEM,
        **{(state, "withdrawn"): frozenset({By.OWNER, By.SYSTEM}) for state in OPEN},
    },
)


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
        Index(
            "uq_verifications_one_open",
            "user_id",
            unique=True,
            sqlite_where=text(f"state IN {OPEN}"),
            postgresql_where=text(f"state IN {OPEN}"),
        ),
        Index("ix_verifications_user_id", "user_id", "id"),
        Index("ix_verifications_household_id", "household_id", "id"),
        Index("ix_verifications_region_state", "region_code", "state", "submitted_at"),
        Index(
            "ix_verifications_notice",
            "notice_until",
            sqlite_where=text("state = 'public_notice'"),
            postgresql_where=text("state = 'public_notice'"),
        ),
        Index(
            "ix_verifications_registry",
            "registry_next_at",
            sqlite_where=text("state = 'submitted'"),
            postgresql_where=text("state = 'submitted'"),
        ),
        Index(
            "ix_verifications_expires",
            "expires_at",
            sqlite_where=text("state = 'verified'"),
            postgresql_where=text("state = 'verified'"),
        ),
    )
