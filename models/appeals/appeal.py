"""Appeals: a household asks for money, and the appeal's states from draft to completed."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    String,
    Text,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.hooks import Hook
from models.core.money import CROWDFUND_MINIMUM
from models.core.refusal import Refusal
from models.core.search_terms import Searched, by_terms
from models.core.state_machine import SYSTEM, Actor, By, Machine, WrongState
from models.core.subject import Subject
from models.notifications.broadcast import notify_backers
from models.staff.task import Matter, close_task, open_task

KINDS = ("crowdfund", "one_to_one")
CATEGORIES = ("education", "medical", "housing", "industry", "employment", "training", "necessities", "public_works")

# Officers write by mandate; the audit trail then names the officer, not the owner.
_WRITER = frozenset({By.OWNER, By.VILLAGE, By.TOWNSHIP})
_SYSTEM = frozenset({By.SYSTEM})
# Township and county stand in where a village has no officer, or did not act in time.
_VILLAGE = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})
_COUNTY = frozenset({By.COUNTY})
_RISK = frozenset({By.COUNTY, By.SYSTEM})

# States before publication.
IN_REVIEW = ("submitted", "village_review", "returned", "endorsed", "county_review", "fund_holder_filed")
LIVE = ("funding", "funded", "minimum_met", "executing", "reporting")
# States that count as the household's one open appeal of the category.
OPEN = (*IN_REVIEW, *LIVE, "frozen")
# Final states in which gifts are refunded.
UNSUCCESSFUL = ("failed", "cancelled")
_EXECUTING = text("state = 'executing' AND update_reminded < 2")
_LISTED = text("state = 'funding'")

# Arguments: the appeal's number and state. Called when it comes to one of UNSUCCESSFUL; the caller holds its row.
on_unsuccessful: Hook[[Session, int, str, datetime], None] = Hook("appeals.appeal.on_unsuccessful")
# The same, when it comes to frozen: money may be on its way at the bank.
on_stopped: Hook[[Session, int, str, datetime], None] = Hook("appeals.appeal.on_stopped")

MACHINE = Machine(
    "appeal",
    {
        ("draft", "submitted"): _WRITER,
        ("submitted", "village_review"): _VILLAGE,
        ("village_review", "returned"): _VILLAGE,
        ("village_review", "rejected"): _VILLAGE,
        ("village_review", "endorsed"): _VILLAGE,
        # A changed appeal is reviewed from the beginning.
        **{(state, "submitted"): _WRITER for state in IN_REVIEW},
        ("endorsed", "returned"): frozenset({By.TOWNSHIP, By.COUNTY}),
        ("endorsed", "funding"): _SYSTEM,
        ("endorsed", "county_review"): _COUNTY,
        ("county_review", "returned"): frozenset({By.COUNTY, By.FUND_HOLDER}),
        ("county_review", "rejected"): _COUNTY,
        ("county_review", "fund_holder_filed"): frozenset({By.FUND_HOLDER}),
        ("fund_holder_filed", "funding"): _SYSTEM,
        ("funding", "funded"): _SYSTEM,
        ("funding", "minimum_met"): _SYSTEM,
        ("funding", "failed"): _SYSTEM,
        # A gift was refunded before anything was spent (models.payments.shortfall).
        ("funded", "funding"): _SYSTEM,
        ("funded", "failed"): _SYSTEM,
        ("minimum_met", "funding"): _SYSTEM,
        ("minimum_met", "failed"): _SYSTEM,
        ("funded", "executing"): _SYSTEM,
        ("minimum_met", "executing"): _SYSTEM,
        ("executing", "reporting"): _SYSTEM,
        # A returned payout can be spent again.
        ("reporting", "executing"): _SYSTEM,
        ("reporting", "completed"): _RISK,
        **{(state, "cancelled"): frozenset({By.OWNER, By.COUNTY, By.SYSTEM}) for state in IN_REVIEW},
        ("funding", "cancelled"): frozenset({By.OWNER, By.COUNTY}),
        **{(state, "frozen"): _RISK for state in LIVE},
        # Under review: the household, joined with another, has an older one of the category (models.families.moving).
        **{(state, "frozen"): _SYSTEM for state in IN_REVIEW},
        **{("frozen", state): _COUNTY for state in LIVE},
        # What was under review is reviewed from the beginning, or goes back to its owner, who had to correct it.
        **{("frozen", state): _COUNTY for state in ("submitted", "returned")},
        # By its owner and by the system: what was never public (Appeal.under_review).
        ("frozen", "cancelled"): frozenset({By.OWNER, By.COUNTY, By.SYSTEM}),
    },
    # However it ends, gifts are refunded.
    then={"frozen": on_stopped, **dict.fromkeys(UNSUCCESSFUL, on_unsuccessful)},
)


class NoSuchAppeal(Refusal):
    code = "no_such_appeal"


class OwnHousehold(Refusal):
    """The appeal is of the person's own household: they may neither decide on it nor give to it."""

    code = "own_household"


class OlderIsOpen(Refusal):
    """The appeal was stopped because its household has an older one of the category, ``older``, which is still open."""

    code = "older_is_open"


class Appeal(Searched, Base):
    """An appeal for money. A trigger fixes target_fen, minimum_fen, deadline, collect_days and kind at publication.

    Its last day is chosen as ``collect_days`` from publication, which fixes ``deadline``, or as that date itself.
    ``minimum_fen``: the sum with which crowdfunding begins at its deadline; None: with the whole target or not at all.
    ``was``: the state before ``frozen``. ``endorsed_by``, ``endorsed_at``: the village officer's endorsement.
    ``charity_id``: the charity that collects for it, from its publication on, and for crowdfunding its ``filing_id``.
    A trigger refuses to publish an appeal without them, and neither changes once it is set.
    """

    __tablename__ = "appeals"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    kind: Mapped[str] = mapped_column(String(12))
    category: Mapped[str] = mapped_column(String(16))
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"))
    title: Mapped[str] = mapped_column(String(60))
    story: Mapped[str] = mapped_column(Text)
    region_code: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    target_fen: Mapped[int]
    minimum_fen: Mapped[int | None]
    deadline: Mapped[datetime | None]
    collect_days: Mapped[int | None] = mapped_column(SmallInteger)
    state: Mapped[str] = mapped_column(String(20), default="draft")
    was: Mapped[str | None] = mapped_column(String(20))
    endorsed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    endorsed_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    charity_id: Mapped[int | None] = mapped_column(ForeignKey("charities.id"))
    filing_id: Mapped[int | None]
    created_at: Mapped[datetime]
    round: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    """How often it was submitted."""
    returned_fields: Mapped[str | None] = mapped_column(String(120))
    """The flow's steps to answer again, comma-separated; the reasons are in models.staff.decision."""
    sampled: Mapped[bool | None]
    reopens_id: Mapped[int | None] = mapped_column(ForeignKey("appeals.id"))
    """The owner's earlier appeal, which ended without success (models.appeals.reopening)."""
    update_due_at: Mapped[datetime | None]
    """From the first payout on: when the owner's next progress update is due (models.outreach.reporting_duty)."""
    update_reminded: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    """Reminders sent about that day: 1 before it, 2 when it has come."""
    beside: Mapped[int] = mapped_column(default=0, server_default="0")
    """0; its own number where the household, joined with another, had an older open appeal of the category."""
    hidden_at: Mapped[datetime | None]
    """When its owner withdrew the consent to publish: since then the public reads neither its story nor its updates."""

    __table_args__ = (
        one_of("kind", KINDS),
        one_of("category", CATEGORIES),
        one_of("state", MACHINE.states),
        CheckConstraint("target_fen > 0", name="target_positive"),
        CheckConstraint(f"kind <> 'crowdfund' OR target_fen >= {CROWDFUND_MINIMUM}", name="crowdfund_minimum"),
        CheckConstraint(
            "(minimum_fen IS NULL AND state <> 'minimum_met')"
            " OR (minimum_fen IS NOT NULL"
            " AND kind = 'crowdfund' AND minimum_fen * 2 >= target_fen AND minimum_fen < target_fen)",
            name="minimum_within",
        ),
        CheckConstraint("state <> 'frozen' OR was IS NOT NULL", name="frozen_from"),
        CheckConstraint("filing_id IS NULL OR charity_id IS NOT NULL", name="filed_by_a_charity"),
        ForeignKeyConstraint(("filing_id", "charity_id"), ("filings.id", "filings.charity_id")),
        CheckConstraint("collect_days > 0", name="collect_days_positive"),
        CheckConstraint(
            "deadline IS NOT NULL OR (collect_days IS NOT NULL AND published_at IS NULL)", name="deadline_known"
        ),
        Index(
            "uq_appeals_one_open",
            "household_id",
            "category",
            "beside",
            unique=True,
            postgresql_where=text(f"state IN {OPEN}"),
        ),
        Index("ix_appeals_state_id", "state", "id"),
        Index("ix_appeals_charity", "charity_id", "id"),
        # How the public list reads them (models.public.ordering).
        Index("ix_appeals_listed", "published_at", "id", "region_code", postgresql_where=_LISTED),
        Index("ix_appeals_ending", "deadline", "id", "region_code", postgresql_where=_LISTED),
        by_terms("appeals", "state = 'funding'"),
        Index("ix_appeals_region_state", "region_code", "state"),
        Index("ix_appeals_reopens", "reopens_id", postgresql_where=text("reopens_id IS NOT NULL")),
        Index("ix_appeals_update_due", "update_due_at", postgresql_where=_EXECUTING),
    )

    @property
    def matter(self) -> Matter:
        return Matter("appeal", self.id, self.region_code, self.household_id, self.charity_id)

    @property
    def closes_at(self) -> datetime:
        """When it stops collecting, if it is published or its last day was chosen as a date."""
        assert self.deadline is not None  # noqa: S101 - a CHECK holds it of what is published
        return self.deadline

    @property
    def under_review(self) -> bool:
        """Tell whether it is reviewed, or was frozen while it was: it has never been public."""
        return self.state in IN_REVIEW or (self.state == "frozen" and self.published_at is None)

    def collects(self, now: datetime) -> bool:
        """Tell whether it takes pledges now. It takes none while its words are hidden from the public."""
        return self.state == "funding" and self.closes_at > now and self.hidden_at is None

    def is_overdue(self, now: datetime) -> bool:
        """Tell whether its deadline has passed; one that waits for publication to fix it is never overdue."""
        return self.deadline is not None and self.deadline <= now


def is_under_review() -> ColumnElement[bool]:
    """Build the condition that an appeal is ``under_review``."""
    return Appeal.state.in_(IN_REVIEW) | ((Appeal.state == "frozen") & Appeal.published_at.is_(None))


APPEAL = Subject(
    "appeal",
    Appeal,
    MACHINE,
    begins=("draft",),
    owner=Appeal.owner_id,
    place=Appeal.region_code,
    household=Appeal.household_id,
    photos=("appeal",),
)


class BudgetLine(Base):
    """One item of an appeal's budget; the lines of an appeal sum to its target."""

    __tablename__ = "budget_lines"
    id: Mapped[RowId]
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), index=True)
    item: Mapped[str] = mapped_column(String(60))
    amount_fen: Mapped[int]

    __table_args__ = (CheckConstraint("amount_fen > 0", name="amount_positive"),)


def budget_of(db: Session, number: int) -> list[tuple[str, int]]:
    """List the budget as (item, fen) pairs, in the order they were written."""
    lines = select(BudgetLine.item, BudgetLine.amount_fen).where(BudgetLine.appeal_id == number)
    return [(item, fen) for item, fen in db.execute(lines.order_by(BudgetLine.id))]


def end_overdue(db: Session, appeal: Appeal, now: datetime) -> None:
    """Cancel (under review) or fail (in funding) an appeal whose deadline has passed, so that a new one may open."""
    if not appeal.is_overdue(now) or not (appeal.under_review or appeal.state == "funding"):
        return
    if appeal.state == "funding":
        fail(db, appeal, now, "overdue")
        return
    MACHINE.move(db, appeal, "cancelled", SYSTEM, now, detail="overdue")
    close_task(db, "appeal", appeal.id, now)
    db.flush()


def fail(db: Session, appeal: Appeal, now: datetime, detail: str) -> None:
    """Fail an appeal that has too little, and notify its donors. The caller holds it and notifies its owner."""
    MACHINE.move(db, appeal, "failed", SYSTEM, now, detail)
    _notify_backers(db, appeal, "appeal_failed", now)
    close_task(db, "appeal", appeal.id, now)  # a task about a doubt, if there was one
    db.flush()


def cancel_by_owner(db: Session, appeal: Appeal, now: datetime, detail: str) -> None:
    """Cancel an appeal under review or in funding for its owner, and notify its donors. The caller holds it.

    Raises WrongState or NotYours where its owner cannot end it.
    """
    was = appeal.state
    MACHINE.move(db, appeal, "cancelled", Actor.owner(appeal.owner_id), now, detail)
    if was == "funding":
        _notify_backers(db, appeal, "appeal_failed", now)
    close_task(db, "appeal", appeal.id, now)
    db.flush()


def freeze(db: Session, appeal: Appeal, actor: Actor, now: datetime, detail: str) -> None:
    """Freeze an appeal until the county decides, open that task and notify donors. ``detail``: the reason's code."""
    appeal.was = appeal.state
    MACHINE.move(db, appeal, "frozen", actor, now, detail=detail)
    close_task(db, "appeal", appeal.id, now)  # a task about a doubt, if there was one
    # A county that froze the appeal needs no notification of its own task.
    open_task(db, appeal.matter, "frozen", now, told=actor.by is not By.COUNTY)
    _notify_backers(db, appeal, "appeal_failed", now)


def resume(db: Session, appeal: Appeal, actor: Actor, now: datetime) -> None:
    """Move a frozen appeal back to its earlier state and notify donors; one that was under review begins it anew.

    The caller opens the task of the review. Raises WrongState or OlderIsOpen.
    """
    if appeal.state != "frozen" or appeal.was is None:
        raise WrongState(subject="appeal", state=appeal.state, wanted="resumed")
    _stand_alone(db, appeal)
    anew = appeal.was in IN_REVIEW and appeal.was != "returned"
    if anew:
        appeal.round += 1
        appeal.endorsed_by = appeal.endorsed_at = None
    MACHINE.move(db, appeal, "submitted" if anew else appeal.was, actor, now)
    close_task(db, "appeal", appeal.id, now)
    appeal.was = None
    _notify_backers(db, appeal, "appeal_resumed", now)


def _stand_alone(db: Session, appeal: Appeal) -> None:
    """Let it be the household's one open appeal of its category again. Raises OlderIsOpen."""
    if not appeal.beside:
        return
    theirs = (Appeal.household_id == appeal.household_id) & (Appeal.category == appeal.category)
    older = db.scalar(select(Appeal.id).where(theirs, Appeal.state.in_(OPEN), Appeal.beside == 0))
    if older:
        raise OlderIsOpen(number=appeal.id, older=older)
    appeal.beside = 0
    db.flush()


def _notify_backers(db: Session, appeal: Appeal, template: str, now: datetime) -> None:
    key = f"{template}:{appeal.id}:{appeal.state}:{now.timestamp()}"  # it may be frozen more than once
    facts = {"state": appeal.state, "closed": appeal.state != "funding"}
    notify_backers(db, template, appeal.id, appeal.title, key, now, **facts)


def get_appeal(db: Session, number: int, *, lock: bool = False) -> Appeal:
    """Get an appeal. ``lock``: neither it nor its pledges change until the transaction ends. Raises NoSuchAppeal."""
    appeal = db.get(Appeal, number, with_for_update={"key_share": True} if lock else None, populate_existing=lock)
    if appeal is None:
        raise NoSuchAppeal(number=number)
    return appeal


def lock_appeal(db: Session, number: int) -> Appeal:
    """Get an appeal, locked until the transaction ends. Raises NoSuchAppeal."""
    appeal = db.get(Appeal, number, with_for_update=True, populate_existing=True)
    if appeal is None:
        raise NoSuchAppeal(number=number)
    return appeal


def titles_of(db: Session, numbers: Iterable[int]) -> dict[int, str]:
    """Return the titles of these appeals by their numbers."""
    found = db.execute(select(Appeal.id, Appeal.title).where(Appeal.id.in_(list(numbers))))
    return {row.id: row.title for row in found}
