"""Appeals for money: what a household or a village asks for, and the way from draft to completed."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, Text, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.money import CROWDFUND_MINIMUM
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor, By, Machine, WrongState
from models.giving.refund_run import ENDS, give_back
from models.notifications.backers import tell_backers
from models.staff.task import Matter, close_task, open_task

KINDS = ("crowdfund", "one_to_one")
CATEGORIES = ("education", "medical", "housing", "industry", "employment", "training", "necessities", "public_works")

# By mandate, an officer: their name is in the trail, and the owner's is not.
_WRITER = frozenset({By.OWNER, By.VILLAGE, By.TOWNSHIP})
_SYSTEM = frozenset({By.SYSTEM})
# Those above stand in where a village has nobody, or did not act in time.
_VILLAGE = frozenset({By.VILLAGE, By.TOWNSHIP, By.COUNTY})
_COUNTY = frozenset({By.COUNTY})
_RISK = frozenset({By.COUNTY, By.SYSTEM})

# On the way to being published.
REVIEWED = ("submitted", "village_review", "returned", "endorsed", "county_review", "fund_holder_filed")
LIVE = ("funding", "funded", "minimum_met", "executing", "reporting")
# States in which the household's place for this category is taken.
OPEN = (*REVIEWED, *LIVE, "frozen")
_EXECUTING = text("state = 'executing' AND update_reminded < 2")

MACHINE = Machine(
    "appeal",
    {
        ("draft", "submitted"): _WRITER,
        ("submitted", "village_review"): _VILLAGE,
        ("village_review", "returned"): _VILLAGE,
        ("village_review", "rejected"): _VILLAGE,
        ("village_review", "endorsed"): _VILLAGE,
        # An edit goes back to the beginning.
        **{(state, "submitted"): _WRITER for state in REVIEWED},
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
        # A gift went back before anything was spent (models.payments.shortfall).
        ("funded", "funding"): _SYSTEM,
        ("funded", "failed"): _SYSTEM,
        ("minimum_met", "funding"): _SYSTEM,
        ("minimum_met", "failed"): _SYSTEM,
        ("funded", "executing"): _SYSTEM,
        ("minimum_met", "executing"): _SYSTEM,
        ("executing", "reporting"): _SYSTEM,
        # What came back from the bank is spent anew.
        ("reporting", "executing"): _SYSTEM,
        ("reporting", "completed"): _RISK,
        **{(state, "cancelled"): frozenset({By.OWNER, By.COUNTY, By.SYSTEM}) for state in REVIEWED},
        ("funding", "cancelled"): frozenset({By.OWNER, By.COUNTY}),
        **{(state, "frozen"): _RISK for state in LIVE},
        **{("frozen", state): _COUNTY for state in LIVE},
        ("frozen", "cancelled"): _COUNTY,
    },
    # Whatever ends it, what people gave goes back.
    then=dict.fromkeys(ENDS, give_back),
)


class NoSuchAppeal(Refusal):
    code = "no_such_appeal"


class OwnHousehold(Refusal):
    """Nobody decides on, or gives to, an appeal of their own household."""

    code = "own_household"


class Appeal(Base):
    """``target_fen``, ``minimum_fen``, ``deadline`` and ``kind`` are fixed once published (a database trigger).

    ``minimum_fen``: with so much on its last day it is begun (crowdfunding); None: with all of it or not at all.
    ``was`` is the state to go back to from ``frozen``. ``endorsed_by`` and ``endorsed_at`` say who vouched.
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
    deadline: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(20), default="draft")
    was: Mapped[str | None] = mapped_column(String(20))
    endorsed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    endorsed_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    round: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    """How often it was handed in."""
    returned_fields: Mapped[str | None] = mapped_column(String(120))
    """The steps of the flow to answer anew, with commas between; reasons in models.staff.decision."""
    sampled: Mapped[bool | None]
    update_due_at: Mapped[datetime | None]
    """From its first payment on: by when its owner must have told, once more, what becomes of it
    (models.outreach.reporting_duty)."""
    update_reminded: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    """Of that day: 1 before it, 2 when it had come."""

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
        Index(
            "uq_appeals_one_open",
            "household_id",
            "category",
            unique=True,
            postgresql_where=text(f"state IN {OPEN}"),
        ),
        Index("ix_appeals_state_id", "state", "id"),
        Index("ix_appeals_region_state", "region_code", "state"),
        Index("ix_appeals_update_due", "update_due_at", postgresql_where=_EXECUTING),
    )

    @property
    def matter(self) -> Matter:
        return Matter("appeal", self.id, self.region_code, self.household_id)


class BudgetLine(Base):
    """What part of the target is for; the lines of an appeal sum to its target."""

    __tablename__ = "budget_lines"
    id: Mapped[RowId]
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"), index=True)
    item: Mapped[str] = mapped_column(String(60))
    amount_fen: Mapped[int]

    __table_args__ = (CheckConstraint("amount_fen > 0", name="amount_positive"),)


def budget_of(db: Session, number: int) -> list[tuple[str, int]]:
    """(item, fen) pairs, as they were written."""
    lines = select(BudgetLine.item, BudgetLine.amount_fen).where(BudgetLine.appeal_id == number)
    return [(item, fen) for item, fen in db.execute(lines.order_by(BudgetLine.id))]


def end_overdue(db: Session, appeal: Appeal, now: datetime) -> None:
    """What its last day went by, in review or with too little promised, no longer stands in a new one's way."""
    if appeal.deadline > now or appeal.state not in (*REVIEWED, "funding"):
        return
    if appeal.state == "funding":
        fail(db, appeal, now, "overdue")
        return
    MACHINE.move(db, appeal, "cancelled", SYSTEM, now, detail="overdue")
    close_task(db, "appeal", appeal.id, now)
    db.flush()


def fail(db: Session, appeal: Appeal, now: datetime, detail: str) -> None:
    """Too little was given, or is left; whoever gave is told. The caller holds it, and tells its owner."""
    MACHINE.move(db, appeal, "failed", SYSTEM, now, detail)
    _tell_backers(db, appeal, "appeal_failed", now)
    close_task(db, "appeal", appeal.id, now)  # a doubt, if there was one
    db.flush()


def freeze(db: Session, appeal: Appeal, actor: Actor, now: datetime, detail: str) -> None:
    """Stop everything about it, for the county to decide; ``resume`` goes back. ``detail`` is the reason's code."""
    appeal.was = appeal.state
    MACHINE.move(db, appeal, "frozen", actor, now, detail=detail)
    close_task(db, "appeal", appeal.id, now)  # a doubt, if there was one
    # A county that stopped it itself knows what is in its queue.
    open_task(db, appeal.matter, "frozen", now, told=actor.by is not By.COUNTY)
    _tell_backers(db, appeal, "appeal_failed", now)


def resume(db: Session, appeal: Appeal, actor: Actor, now: datetime) -> None:
    """Raises WrongState where it is not frozen."""
    if appeal.state != "frozen" or appeal.was is None:
        raise WrongState(subject="appeal", state=appeal.state, wanted="resumed")
    MACHINE.move(db, appeal, appeal.was, actor, now)
    close_task(db, "appeal", appeal.id, now)
    appeal.was = None
    _tell_backers(db, appeal, "appeal_resumed", now)


def _tell_backers(db: Session, appeal: Appeal, template: str, now: datetime) -> None:
    key = f"{template}:{appeal.id}:{appeal.state}:{now.timestamp()}"  # it may be stopped more than once
    tell_backers(db, template, appeal.id, appeal.title, key, now, state=appeal.state)


def publish(db: Session, appeal: Appeal, now: datetime) -> None:
    """Endorsed and, for crowdfunding, filed by the fund holder: open it for pledges. Else raises WrongState."""
    if appeal.kind == "crowdfund" and appeal.state != "fund_holder_filed":
        raise WrongState(subject="appeal", state=appeal.state, wanted="funding")
    MACHINE.move(db, appeal, "funding", SYSTEM, now)
    appeal.published_at = now


def get_appeal(db: Session, number: int, *, lock: bool = False) -> Appeal:
    """Raises NoSuchAppeal. ``lock`` keeps it and what is promised to it still until the transaction ends."""
    appeal = db.get(Appeal, number, with_for_update={"key_share": True} if lock else None, populate_existing=lock)
    if appeal is None:
        raise NoSuchAppeal(number=number)
    return appeal


def titles_of(db: Session, numbers: Iterable[int]) -> dict[int, str]:
    """Name these appeals, by their numbers."""
    found = db.execute(select(Appeal.id, Appeal.title).where(Appeal.id.in_(list(numbers))))
    return {row.id: row.title for row in found}
