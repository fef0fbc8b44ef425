"""Define the public views of appeals, updates, goods and produce.

Public words are rendered from the types here and from no row: they hold no
name, ID number or phone, and no place smaller than a village.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import false, or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.disbursements.disbursement import budget_and_spent
from models.outreach.update import Update
from models.proxy.mandate import is_unconfirmed


@dataclass(frozen=True, slots=True)
class PublicAppeal:
    """A published appeal. ``minimum_fen``: the sum with which it is carried out at its deadline; None: only the target.

    ``raised_fen`` to ``promised_fen``: as in models.giving.pledge.Raised. ``vouched_by``: the role of the officer who
    endorsed it at ``vouched_at``. ``unconfirmed``: an officer wrote it as a proxy, and the owner has not confirmed it.
    """

    number: int
    kind: str
    category: str
    title: str
    place: str
    target_fen: int
    minimum_fen: int | None
    raised_fen: int
    gifts: int
    paid_fen: int
    promised_fen: int
    deadline: datetime | None
    collect_days: int | None
    state: str
    vouched_by: str | None
    vouched_at: datetime | None
    published_at: datetime | None
    unconfirmed: bool


@dataclass(frozen=True, slots=True)
class PublicStory:
    """An appeal's public story (the flow refuses private numbers in it, an officer has read it), and its budget.

    ``budget``: (item, fen planned, fen paid out so far). ``own``: it is the viewer's own, and may not be published yet.
    ``hidden``: its owner withdrew the consent to publish, and the story is empty for all others.
    """

    number: int
    title: str
    story: str
    budget: Sequence[tuple[str, int, int]]
    own: bool
    unconfirmed: bool
    hidden: bool


@dataclass(frozen=True, slots=True)
class PublicUpdate:
    """An owner's update on ``appeal``; ``number`` is 0 and ``words`` are empty where there is none.

    ``older``: there are earlier ones. ``kind``: progress or thanks.
    """

    number: int
    kind: str
    appeal: int
    title: str
    words: str
    at: datetime | None
    older: bool


@dataclass(frozen=True, slots=True)
class PublicRequest:
    """A household's request for goods, in grams where the unit is ``jin``.

    ``quantity``: how much was asked for; ``missing``: how much nobody has promised or given; ``need_by``: the last day
    on which it is of use, or None.
    """

    number: int
    category: str
    item: str
    unit: str
    quantity: int
    missing: int
    need_by: date | None
    place: str
    state: str


@dataclass(frozen=True, slots=True)
class PublicOffer:
    """A donor's offer of goods, in grams where the unit is ``jin``. ``smallest``: the least that one household gets."""

    number: int
    category: str
    item: str
    unit: str
    available: int
    smallest: int
    condition: str
    best_before: date | None
    handover: str
    place: str
    state: str


@dataclass(frozen=True, slots=True)
class PublicListing:
    """A seller's listing. ``price_fen`` is for one unit; ``available`` is in grams where the unit is ``jin``.

    ``lot``: how far its harvest is (models.market.lots.lot; ``counted``: locked, and may be ordered), with the window
    in which it is picked; None of what is there.
    ``seller``: the organisation that sells it, by name; None of a household, whose name is nobody's business.
    """

    number: int
    kind: str
    name: str
    unit: str
    price_fen: int
    available: int
    harvest_date: date | None
    shop_url: str | None
    place: str
    state: str
    lot: str | None
    first_day: date | None
    last_day: date | None
    seller: str | None


def find_story(db: Session, number: int, viewer: int | None) -> PublicStory | None:
    """Return the story of an appeal that has been published or is the viewer's own, else None."""
    appeal = db.execute(
        select(Appeal.title, Appeal.story, Appeal.owner_id, Appeal.hidden_at).where(
            Appeal.id == number, or_(Appeal.published_at.is_not(None), Appeal.owner_id == viewer)
        )
    ).first()
    if appeal is None:
        return None
    budget = budget_and_spent(db, number)
    own, waits = appeal.owner_id == viewer, is_unconfirmed(db, "appeal", number)
    hidden = appeal.hidden_at is not None and not own
    words = "" if hidden else appeal.story
    return PublicStory(number, appeal.title, words, budget, own=own, unconfirmed=waits, hidden=hidden)


def find_update(db: Session, number: int, before: int | None = None) -> PublicUpdate | None:
    """Return the newest update of a published appeal, older than ``before`` if given. None if it is not published."""
    published = (Appeal.id == number) & Appeal.published_at.is_not(None)
    appeal = db.execute(select(Appeal.title, Appeal.hidden_at).where(published)).first()
    if appeal is None:
        return None
    title = appeal.title
    theirs = select(Update).where(Update.appeal_id == number, Update.state == "published")
    if appeal.hidden_at:
        theirs = theirs.where(false())
    theirs = theirs.where(Update.id < before) if before else theirs
    found = db.scalars(theirs.order_by(Update.id.desc()).limit(2)).all()
    if not found:
        return PublicUpdate(0, "progress", number, title, "", None, older=False)
    newest = found[0]
    return PublicUpdate(newest.id, newest.kind, number, title, newest.words, newest.decided_at, older=len(found) > 1)
