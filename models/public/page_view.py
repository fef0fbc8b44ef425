"""Read what an appeal's page shows: the same for everybody, from the public types, with names screened out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal, NoSuchAppeal
from models.appeals.beneficiary import AsksAs, asks_as
from models.core.calendar import CHINA
from models.disbursements.disbursement import budget_and_spent
from models.giving.matching import MatchingOffer, matching_offers
from models.giving.pledge import PAID, Pledge, counted, is_collected, takes_gifts
from models.organisations.charity import Charity
from models.organisations.collector import Collector, find_collector
from models.organisations.filing import Filing
from models.outreach.update import Update
from models.public.album import is_public
from models.public.catalogue import APPEALS
from models.public.page_by_mandate import is_unconfirmed_page
from models.public.photos import ShownPhoto, copied_photos
from models.public.screening import screen_for
from models.public.views import PublicAppeal

MOST_UPDATES = 10
MOST_GIFTS = 5


@dataclass(frozen=True, slots=True)
class PageUpdate:
    """A published update. ``kind``: progress or thanks."""

    number: int
    kind: str
    words: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class PageGift:
    """A gift without its giver. ``paid``: it has come; else it is promised, where promises count."""

    fen: int
    at: datetime
    paid: bool


@dataclass(frozen=True, slots=True)
class PageView:
    """An appeal's page. ``asks_as``: the organisation that asks; None: a family.

    ``budget``: (item, fen planned, fen paid out). ``days_left``: 0 on its last day; None: over.

    ``gives``: it takes gifts now. ``unconfirmed``: an officer agreed to the page, and its owner has not confirmed it.
    ``masked``: the sentences in which something is masked, for its owner's look alone.
    """

    appeal: PublicAppeal
    story: str
    budget: Sequence[tuple[str, int, int]]
    asks_as: AsksAs | None
    collector: Collector | None
    collected: bool
    gives: bool
    days_left: int | None
    matching: Sequence[MatchingOffer]
    updates: Sequence[PageUpdate]
    gifts: Sequence[PageGift]
    unconfirmed: bool
    masked: Sequence[str]
    photos: Sequence[ShownPhoto]


def read_page(db: Session, number: int, now: datetime, *, is_open: bool) -> PageView:
    """Read the page of a published appeal; the caller has asked whether it may be shown. Raises NoSuchAppeal.

    ``is_open``: everybody may read it now, by models.public.appeal_page; else it comes without photos.
    """
    # Those that belong to it are held here, or the session would read each anew for every function that asks.
    row, _charity, _filing = _with_what_it_belongs_to(db, number)
    screen, found = screen_for(db, row), APPEALS.find(db, number, None)
    if found is None:
        raise NoSuchAppeal(number=number)
    updates, budget = _updates(db, number), budget_and_spent(db, number)
    story = "" if row.hidden_at else row.story
    texts = [found.title, story, *(item for item, _, _ in budget), *(each.words for each in updates)]
    gives = takes_gifts(db, row, now, found.raised_fen)
    return PageView(
        appeal=replace(found, title=screen.mask(found.title)),
        story=screen.mask(story),
        budget=[(screen.mask(item), fen, spent) for item, fen, spent in budget],
        asks_as=asks_as(db, row),
        collector=find_collector(db, row.charity_id, row.filing_id),
        collected=gives or is_collected(db, row),
        gives=gives,
        days_left=_days_left(row.closes_at, now) if row.collects(now) else None,
        matching=matching_offers(db, number, now),
        updates=[replace(each, words=screen.mask(each.words)) for each in updates],
        gifts=_gifts(db, number),
        unconfirmed=is_unconfirmed_page(db, number),
        masked=screen.sentences(*texts),
        photos=copied_photos(db, number) if is_open and is_public(row) else [],
    )


def _with_what_it_belongs_to(db: Session, number: int) -> tuple[Appeal, Charity | None, Filing | None]:
    """Read the appeal, its charity and its filing. Raises NoSuchAppeal."""
    found = select(Appeal, Charity, Filing).outerjoin(Charity, Charity.id == Appeal.charity_id)
    row = db.execute(found.outerjoin(Filing, Filing.id == Appeal.filing_id).where(Appeal.id == number)).first()
    if row is None:
        raise NoSuchAppeal(number=number)
    return row[0], row[1], row[2]


def _updates(db: Session, number: int) -> list[PageUpdate]:
    columns = select(Update.id, Update.kind, Update.words, Update.decided_at)
    theirs = columns.where(Update.appeal_id == number, Update.state == "published", Update.decided_at.is_not(None))
    return [PageUpdate(*row) for row in db.execute(theirs.order_by(Update.id.desc()).limit(MOST_UPDATES))]


def _gifts(db: Session, number: int) -> list[PageGift]:
    theirs = select(Pledge.amount_fen, Pledge.created_at, Pledge.state).where(
        Pledge.appeal_id == number, Pledge.state.in_(counted(db))
    )
    rows = db.execute(theirs.order_by(Pledge.id.desc()).limit(MOST_GIFTS))
    return [PageGift(row.amount_fen, row.created_at, row.state in PAID) for row in rows]


def _days_left(deadline: datetime, now: datetime) -> int:
    return (deadline.astimezone(CHINA).date() - now.astimezone(CHINA).date()).days
