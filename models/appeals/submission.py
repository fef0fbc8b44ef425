"""Submit an appeal for review, first or again, if its county is right and its category is free."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.appeals.appeal import MACHINE, OPEN, Appeal, BudgetLine, get_appeal
from models.core.hooks import Hook
from models.core.refusal import Refusal
from models.core.state_machine import Actor
from models.organisations.organisation import organisation_of
from models.people.user import User, lock_home
from models.places.region import Region, county_of, covers
from models.verification.eligibility import check_may_appeal, open_endorsement

# Called when an appeal's deadline has passed; the caller holds its row.
on_deadline: Hook[[Session, Appeal, datetime], None] = Hook("appeals.submission.on_deadline")


class OnePerCategory(Refusal):
    """The household has an open appeal in this category: ``number`` (None: submitted at the same moment)."""

    code = "one_per_category"
    step = "category"


class OutsideHomeCounty(Refusal):
    """The place is outside the asker's county (``home``): reviewers must know the place and the people."""

    code = "outside_home_county"
    step = "place"


class ReferredElsewhere(Refusal):
    """Who needs money for an illness asks on a platform that the ministry designated for that."""

    code = "referred_elsewhere"
    final = True


@dataclass(frozen=True, slots=True)
class NewAppeal:
    """The answers that make an appeal. ``budget``: (item, fen) pairs; ``deadline`` or ``collect_days``, not both."""

    draft_id: str
    kind: str
    category: str
    title: str
    story: str
    region_code: str
    target_fen: int
    budget: Sequence[tuple[str, int]]
    deadline: datetime | None = None
    collect_days: int | None = None
    minimum_fen: int | None = None
    reopens_id: int | None = None


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the household, of a family or an organisation, and its home's region."""

    household_id: int
    home: str


def family_of(owner: User) -> Asker:
    """Return the family of a resident, who says where they live when they register."""
    assert owner.household_id is not None  # noqa: S101 - a CHECK on users holds it
    assert owner.region_code is not None  # noqa: S101 - a resident says where they live
    return Asker(owner.household_id, owner.region_code)


def asker_of(db: Session, appeal: Appeal) -> Asker:
    """Return who asks in an appeal that was written."""
    organisation = organisation_of(db, appeal.household_id)
    if organisation:
        return Asker(organisation.household_id, organisation.region_code)
    return Asker(appeal.household_id, family_of(db.get_one(User, appeal.owner_id)).home)


def submit(
    db: Session, wanted: NewAppeal, owner: User, now: datetime, by: Actor | None = None, asker: Asker | None = None
) -> Appeal:
    """Create an appeal and submit it for review. The same draft twice gives the same appeal.

    ``by``: the officer who submits it by mandate; None: the owner. ``asker``: None: the owner's family.
    Raises OnePerCategory, OutsideHomeCounty, CaseRevoked or RejectedLately.
    """
    earlier = db.scalar(select(Appeal).where(Appeal.draft_id == wanted.draft_id))
    if earlier:
        return earlier
    lock_home(db, owner)
    asker = asker or family_of(owner)
    check_may_appeal(db, asker.household_id)
    check_place(db, wanted.region_code, asker)
    check_category_free(db, asker, wanted.category, now)
    fields: dict[str, Any] = {name: getattr(wanted, name) for name in NewAppeal.__slots__ if name != "budget"}
    appeal = Appeal(**fields, owner_id=owner.id, household_id=asker.household_id, state="draft", created_at=now)
    db.add(appeal)
    try:
        db.flush()
    except IntegrityError as error:
        if "one_open" in str(error.orig) or "household_id" in str(error.orig):
            raise OnePerCategory(number=None) from None  # another member of the household was a moment earlier
        raise
    db.add_all(BudgetLine(appeal_id=appeal.id, item=item, amount_fen=fen) for item, fen in wanted.budget)
    submit_for_review(db, appeal, now, by)
    return appeal


def submit_for_review(db: Session, appeal: Appeal, now: datetime, by: Actor | None = None) -> None:
    """Submit an appeal for review, for the first time or again, and open its endorsement. ``by``: as ``submit``."""
    MACHINE.move(db, appeal, "submitted", by or Actor.owner(appeal.owner_id), now)
    open_endorsement(db, appeal.matter, now)
    db.flush()


def check_place(db: Session, region_code: str, asker: Asker) -> None:
    """Check that the place is in the asker's home county. Raises OutsideHomeCounty."""
    county = county_of(asker.home)
    if not covers(county, region_code):
        found = db.get(Region, county)
        raise OutsideHomeCounty(home=found.full_name if found else county)


def check_category_free(db: Session, asker: Asker, category: str, now: datetime) -> None:
    """Check that the household has no open appeal in this category; ends an overdue one. Raises OnePerCategory."""
    theirs = (Appeal.household_id == asker.household_id) & (Appeal.category == category)
    other = db.scalar(select(Appeal).where(theirs, Appeal.state.in_(OPEN)))
    if other and other.is_overdue(now):
        on_deadline(db, get_appeal(db, other.id, lock=True), now)
    if other and other.state in OPEN:
        raise OnePerCategory(number=other.id)
