"""Read the public lists (appeals, requests, offers, listings) and their items, a page at a time, in a fair order
(models.public.ordering).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Row, Select, case, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.appeals.appeal import Appeal
from models.core.calendar import CHINA
from models.core.paging import Page, page_of
from models.core.search_terms import fits, plan_for_the_words
from models.giving.pledge import OwnPledge, Pledge, raised
from models.goods.exchange import GoodsRequest, Offer
from models.market.listing import Listing
from models.market.lots.lot import Lot
from models.organisations.organisation import Organisation
from models.outreach.reporting_duty import update_not_overdue
from models.payments.refund import BESIDE, Refund
from models.places.region import Region
from models.proxy.mandate import ProxyAct
from models.public.ordering import URGENT, Cursor, Ordering, read_cursor
from models.public.views import PublicAppeal, PublicListing, PublicOffer, PublicRequest
from models.staff.member import Staff

PAGE = 5


Item = TypeVar("Item", PublicAppeal, PublicRequest, PublicOffer, PublicListing)


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """One word to search for, and the category that it names, if it names one."""

    word: str
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Listed(Generic[Item]):
    """One page of a list. ``after``: the cursor after which the next page begins; empty on the last page."""

    items: Sequence[Item]
    after: str


@dataclass(frozen=True, slots=True)
class ItemCard:
    """What staff need to introduce its owner to a person. ``place`` and ``region_code``: the region shown with it."""

    name: str
    owner_id: int
    place: str
    region_code: str


@dataclass(frozen=True, slots=True)
class Catalogue(Generic[Item]):
    """One kind of public item. ``listed``: it is in the list now; ``shown``: anyone may open it."""

    make: Callable[[Session, Sequence[Row[Any]]], list[Item]]
    statement: Select[*tuple[Any, ...]]
    number: InstrumentedAttribute[int]
    owner: InstrumentedAttribute[int]
    name: InstrumentedAttribute[str]
    terms: InstrumentedAttribute[list[str]]
    listed: Callable[[datetime], ColumnElement[bool]]
    shown: ColumnElement[bool]
    ordering: Ordering

    def page(
        self, db: Session, search: Sequence[SearchTerm], now: datetime, *, near: str | None = None, after: str = ""
    ) -> Listed[Item]:
        """List a page of items that match every part of the search by name, region's name or category.

        ``near``: the code of a place, whose own and nearest items come first, and of its province only.
        ``after``: the cursor of the page before, or empty.
        """
        last = read_cursor(after)
        at = last.at if last else now
        stretches = self.ordering.stretches(near, at)
        if search or near:
            db.execute(plan_for_the_words())
        found: list[tuple[int, Row[Any]]] = []
        for number, stretch in enumerate(stretches):
            if (last and number < last.stretch) or len(found) > PAGE:
                continue
            rows = self._matching(search, now).where(stretch.where)
            if last and number == last.stretch:
                rows = rows.where(last.passes(stretch, self.number))
            rows = rows.order_by(stretch.key, self.number).limit(PAGE + 1 - len(found))
            found += [(number, row) for row in db.execute(rows)]
        items = self.make(db, [row for _, row in found[:PAGE]])
        if len(found) <= PAGE:
            return Listed(items, "")
        number, row = found[PAGE - 1]
        key = db.scalars(select(stretches[number].key).where(self.number == row.number)).one()
        return Listed(items, str(Cursor(at, number, key.isoformat(), row.number)))

    def _matching(self, search: Sequence[SearchTerm], now: datetime) -> Select[*tuple[Any, ...]]:
        statement = self.statement.where(self.listed(now))
        for wanted in search:
            names = (self.name, Region.full_name)
            statement = statement.where(fits(self.terms, names, wanted.word, wanted.category))
        return statement

    def find(self, db: Session, number: int, viewer: int | None) -> Item | None:
        """Return the item with this number if it is shown to all or is the viewer's own, else None."""
        statement = self.statement.where(self.number == number, or_(self.shown, self.owner == viewer))
        return next(iter(self.make(db, db.execute(statement).all())), None)

    def belongs_to(self, db: Session, number: int, user_id: int | None) -> bool:
        return db.scalar(select(self.number).where(self.number == number, self.owner == user_id)) is not None

    def card(self, db: Session, number: int) -> ItemCard | None:
        """Return the card of an item in any state, or None."""
        columns = (self.name.label("name"), self.owner.label("owner_id"), Region.full_name.label("place"), Region.code)
        row = db.execute(self.statement.with_only_columns(*columns).where(self.number == number)).first()
        return ItemCard(*row) if row else None

    def own(self, db: Session, user_id: int, most: int) -> list[Item]:
        """List the user's newest items, in any state."""
        statement = self.statement.where(self.owner == user_id).order_by(self.number.desc()).limit(most)
        return self.make(db, db.execute(statement).all())


def own_pledges(db: Session, user_id: int, after: int | None) -> Page[OwnPledge]:
    statement = (
        select(
            Pledge.id.label("number"),
            Pledge.code,
            Pledge.appeal_id.label("appeal"),
            Appeal.title,
            Pledge.amount_fen,
            Pledge.anonymous,
            Pledge.state,
            Pledge.created_at,
            Pledge.pay_by,
            Refund.amount_fen.label("back_fen"),
        )
        .join(Appeal, Appeal.id == Pledge.appeal_id)
        .outerjoin(Refund, (Refund.pledge_id == Pledge.id) & Refund.reason.not_in(BESIDE))
        .where(Pledge.donor_id == user_id)
    )
    if after:
        statement = statement.where(Pledge.id < after)
    rows = db.execute(statement.order_by(Pledge.id.desc()).limit(PAGE + 1)).all()
    return page_of([OwnPledge(**row._mapping) for row in rows], PAGE, lambda pledge: pledge.number)


def _with_sums(db: Session, rows: Sequence[Row[Any]]) -> list[PublicAppeal]:
    sums = raised(db, [row.number for row in rows])
    return [PublicAppeal(**row._mapping, **asdict(sums[row.number])) for row in rows]


def _within_days(day: InstrumentedAttribute[date | None], at: datetime) -> ColumnElement[bool]:
    """Build the condition that the day is one of the next, and has not passed; false where there is none."""
    today = at.astimezone(CHINA).date()
    return func.coalesce(day.between(today, today + URGENT), false())


APPEALS: Catalogue[PublicAppeal] = Catalogue(
    make=_with_sums,
    statement=select(
        Appeal.id.label("number"),
        Appeal.kind,
        Appeal.category,
        Appeal.title,
        Region.full_name.label("place"),
        Appeal.target_fen,
        Appeal.minimum_fen,
        Appeal.deadline,
        Appeal.collect_days,
        Appeal.state,
        Staff.role.label("vouched_by"),
        Appeal.endorsed_at.label("vouched_at"),
        Appeal.published_at,
        (ProxyAct.id.is_not(None) & ProxyAct.confirmed_at.is_(None)).label("unconfirmed"),
    )
    .join(Region, Region.code == Appeal.region_code)
    .outerjoin(Staff, Staff.id == Appeal.endorsed_by)
    .outerjoin(ProxyAct, (ProxyAct.subject == "appeal") & (ProxyAct.subject_id == Appeal.id)),
    number=Appeal.id,
    owner=Appeal.owner_id,
    name=Appeal.title,
    terms=Appeal.terms,
    listed=lambda now: (
        (Appeal.state == "funding") & (Appeal.deadline > now) & Appeal.hidden_at.is_(None) & update_not_overdue(now)
    ),
    shown=Appeal.published_at.is_not(None),
    ordering=Ordering(
        since=Appeal.published_at,
        place=Appeal.region_code,
        ends=Appeal.deadline,
        urgent=lambda at: Appeal.deadline <= at + URGENT,
    ),
)

REQUESTS: Catalogue[PublicRequest] = Catalogue(
    make=lambda _, rows: [PublicRequest(**row._mapping) for row in rows],
    statement=select(
        GoodsRequest.id.label("number"),
        GoodsRequest.category,
        GoodsRequest.item,
        GoodsRequest.unit,
        GoodsRequest.quantity,
        (GoodsRequest.quantity - GoodsRequest.promised - GoodsRequest.received).label("missing"),
        GoodsRequest.need_by,
        Region.full_name.label("place"),
        GoodsRequest.state,
    ).join(Region, Region.code == GoodsRequest.region_code),
    number=GoodsRequest.id,
    owner=GoodsRequest.owner_id,
    name=GoodsRequest.item,
    terms=GoodsRequest.terms,
    listed=lambda _: (
        (GoodsRequest.state == "open")
        & GoodsRequest.looked_at.is_not(None)
        & (GoodsRequest.promised + GoodsRequest.received < GoodsRequest.quantity)
    ),
    shown=GoodsRequest.state.in_(("open", "met")) & GoodsRequest.looked_at.is_not(None),
    ordering=Ordering(
        since=GoodsRequest.waits_from,
        place=GoodsRequest.region_code,
        ends=GoodsRequest.need_by,
        urgent=lambda at: _within_days(GoodsRequest.need_by, at),
    ),
)

OFFERS: Catalogue[PublicOffer] = Catalogue(
    make=lambda _, rows: [PublicOffer(**row._mapping) for row in rows],
    statement=select(
        Offer.id.label("number"),
        Offer.category,
        Offer.item,
        Offer.unit,
        Offer.available,
        Offer.smallest,
        Offer.condition,
        Offer.best_before,
        Offer.handover,
        Region.full_name.label("place"),
        Offer.state,
    ).join(Region, Region.code == Offer.region_code),
    number=Offer.id,
    owner=Offer.donor_id,
    name=Offer.item,
    terms=Offer.terms,
    listed=lambda now: (
        (Offer.state == "available")
        & Offer.looked_at.is_not(None)
        & or_(Offer.best_before.is_(None), Offer.best_before > now.astimezone(CHINA).date())
    ),
    shown=Offer.state.in_(("available", "exhausted")) & Offer.looked_at.is_not(None),
    ordering=Ordering(
        since=Offer.looked_at,
        place=Offer.region_code,
        ends=Offer.best_before,
        urgent=lambda at: _within_days(Offer.best_before, at),
    ),
)

MARKET: Catalogue[PublicListing] = Catalogue(
    make=lambda _, rows: [PublicListing(**row._mapping) for row in rows],
    statement=select(
        Listing.id.label("number"),
        Listing.kind,
        Listing.name,
        Listing.unit,
        Listing.price_fen,
        Listing.available,
        Listing.harvest_date,
        Listing.shop_url,
        Region.full_name.label("place"),
        Listing.state,
        case(((Lot.state == "locked") & Lot.counted, "counted"), else_=Lot.state).label("lot"),
        Lot.first_day,
        Lot.last_day,
        Organisation.name.label("seller"),
    )
    .join(Region, Region.code == Listing.region_code)
    .outerjoin(Lot, Lot.listing_id == Listing.id)
    .outerjoin(Organisation, Organisation.household_id == Listing.household_id),
    number=Listing.id,
    owner=Listing.seller_id,
    name=Listing.name,
    terms=Listing.terms,
    # What is all reserved is listed again when an order is cancelled.
    listed=lambda _: (
        (Listing.state == "on_sale")
        & Listing.looked_at.is_not(None)
        & (Listing.available > 0)
        # While it is picked nobody orders, unless its seller said how much there is.
        & or_(Lot.id.is_(None), Lot.state != "locked", Lot.counted)
    ),
    shown=Listing.state.in_(("on_sale", "sold_out")) & Listing.looked_at.is_not(None),
    ordering=Ordering(since=Listing.looked_at, place=Listing.region_code),
)
