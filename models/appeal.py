"""Appeals for money: what a household or a village asks for, and the way from draft to completed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, Text, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.backers import tell_backers
from models.base import Base, RowId, one_of
from models.endorsement import check_may_ask, open_endorsement
from models.errors import Refusal
from models.machine import SYSTEM, Actor, By, Machine, WrongState
from models.money import CROWDFUND_MINIMUM
from models.refund_run import ENDS, give_back
from models.region import Region, covers
from models.task import Matter, close_task, find_task, open_task
from models.user import User

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


class OneOpenAppeal(Refusal):
    """One open appeal per household and category; ``number`` is the one that is open (None: only just made)."""

    code = "one_open_appeal"
    step = "category"


class OutsideHomeCounty(Refusal):
    """Those who check an appeal must know the place and the people: ``home`` names the owner's county."""

    code = "outside_home_county"
    step = "place"


class NoSuchAppeal(Refusal):
    code = "no_such_appeal"


class OwnHousehold(Refusal):
    """Nobody decides on, or gives to, an appeal of their own household."""

    code = "own_household"


class Appeal(Base):
    """``target_fen``, ``deadline`` and ``kind`` are fixed once published (a database trigger holds them).

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
    """The steps of the flow to answer anew, with commas between; reasons in models.decision."""
    sampled: Mapped[bool | None]
    update_due_at: Mapped[datetime | None]
    """From its first payment on: by when its owner must have told, once more, what becomes of it (models.statutory)."""
    update_reminded: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    """Of that day: 1 before it, 2 when it had come."""

    __table_args__ = (
        one_of("kind", KINDS),
        one_of("category", CATEGORIES),
        one_of("state", MACHINE.states),
        CheckConstraint("target_fen > 0", name="target_positive"),
        CheckConstraint(f"kind <> 'crowdfund' OR target_fen >= {CROWDFUND_MINIMUM}", name="crowdfund_minimum"),
        CheckConstraint("state <> 'frozen' OR was IS NOT NULL", name="frozen_from"),
        Index(
            "uq_appeals_one_open",
            "household_id",
            "category",
            unique=True,
            sqlite_where=text(f"state IN {OPEN}"),
            postgresql_where=text(f"state IN {OPEN}"),
        ),
        Index("ix_appeals_state_id", "state", "id"),
        Index("ix_appeals_region_state", "region_code", "state"),
        Index("ix_appeals_update_due", "update_due_at", sqlite_where=_EXECUTING, postgresql_where=_EXECUTING),
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


@dataclass(frozen=True, slots=True)
class NewAppeal:
    """``budget``: (item, fen) pairs."""

    draft_id: str
    kind: str
    category: str
    title: str
    story: str
    region_code: str
    target_fen: int
    deadline: datetime
    budget: Sequence[tuple[str, int]]


def submit(db: Session, wanted: NewAppeal, owner: User, now: datetime, by: Actor | None = None) -> Appeal:
    """Write the appeal and hand it to review. The same draft twice gives the same appeal.

    ``by``: the officer who does it by mandate; else its owner.
    Raises OneOpenAppeal, OutsideHomeCounty, CaseRevoked or RejectedLately.
    """
    earlier = db.scalar(select(Appeal).where(Appeal.draft_id == wanted.draft_id))
    if earlier:
        return earlier
    household_id = owner.household_id
    assert household_id is not None  # noqa: S101 - a CHECK on users holds it
    check_may_ask(db, household_id)
    check_place(db, wanted.region_code, owner)
    make_room(db, owner, wanted.category, now)
    fields: dict[str, Any] = {name: getattr(wanted, name) for name in NewAppeal.__slots__ if name != "budget"}
    appeal = Appeal(**fields, owner_id=owner.id, household_id=household_id, state="draft", created_at=now)
    db.add(appeal)
    try:
        db.flush()
    except IntegrityError as error:
        if "one_open" in str(error.orig) or "household_id" in str(error.orig):
            raise OneOpenAppeal(number=None) from None  # another member of the household was a moment earlier
        raise
    db.add_all(BudgetLine(appeal_id=appeal.id, item=item, amount_fen=fen) for item, fen in wanted.budget)
    hand_in(db, appeal, now, by)
    return appeal


def hand_in(db: Session, appeal: Appeal, now: datetime, by: Actor | None = None) -> None:
    """To review, for the first time or again."""
    MACHINE.move(db, appeal, "submitted", by or Actor(By.OWNER, f"user:{appeal.owner_id}"), now)
    open_endorsement(db, appeal.matter, now)
    db.flush()


def open_waiting(db: Session, household_id: int, now: datetime) -> None:
    """The household is verified: what it has handed in until now comes to an officer."""
    theirs = (Appeal.household_id == household_id) & (Appeal.state == "submitted")
    for appeal in db.scalars(select(Appeal).where(theirs).order_by(Appeal.id).with_for_update()):
        if find_task(db, "appeal", appeal.id) is None:
            open_endorsement(db, appeal.matter, now)


def check_place(db: Session, region_code: str, owner: User) -> None:
    """Raises OutsideHomeCounty."""
    home = owner.region_code
    assert home is not None  # noqa: S101 - a resident says where they live
    county = f"{home[:6]}000000"
    if not covers(county, region_code):
        found = db.get(Region, county)
        raise OutsideHomeCounty(home=found.full_name if found else county)


def make_room(db: Session, owner: User, category: str, now: datetime) -> None:
    """Is the household's one place for this category free? Closes what its day went by; else raises OneOpenAppeal."""
    theirs = (Appeal.household_id == owner.household_id) & (Appeal.category == category)
    other = db.scalar(select(Appeal).where(theirs, Appeal.state.in_(OPEN)))
    if other:
        end_overdue(db, other, now)
    if other and other.state in OPEN:
        raise OneOpenAppeal(number=other.id)


def end_overdue(db: Session, appeal: Appeal, now: datetime) -> None:
    """What its last day went by, in review or with too little promised, no longer stands in a new one's way."""
    if appeal.deadline > now or appeal.state not in (*REVIEWED, "funding"):
        return
    MACHINE.move(db, appeal, "failed" if appeal.state == "funding" else "cancelled", SYSTEM, now, detail="overdue")
    if appeal.state == "failed":
        _tell_backers(db, appeal, "appeal_failed", now)
    close_task(db, "appeal", appeal.id, now)  # of what is live: a doubt, if there was one
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
