"""Read the public lists (appeals, requests, offers, listings) and their items.

Lists show the newest first, a page at a time, from the number of the last item seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Row, Select, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.appeals.appeal import Appeal
from models.core.calendar import CHINA
from models.core.paging import Page, page_of
from models.giving.pledge import OwnPledge, Pledge, raised
from models.goods.exchange import GoodsRequest, Offer
from models.market.listing import Listing
from models.outreach.reporting_duty import update_not_overdue
from models.payments.refund import BESIDE, Refund
from models.places.region import Region
from models.proxy.mandate import ProxyAct
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
    category: InstrumentedAttribute[str]
    listed: Callable[[datetime], ColumnElement[bool]]
    shown: ColumnElement[bool]

    def page(self, db: Session, search: Sequence[SearchTerm], after: int | None, now: datetime) -> Page[Item]:
        """List a page of items that match every part of the search by name, region's name or category."""
        statement = self.statement.where(self.listed(now))
        for wanted in search:
            fitting = [column.icontains(wanted.word, autoescape=True) for column in (self.name, Region.full_name)]
            statement = statement.where(or_(*fitting, self.category == wanted.category))
        if after:
            statement = statement.where(self.number < after)
        found = self.make(db, db.execute(statement.order_by(self.number.desc()).limit(PAGE + 1)).all())
        return page_of(found, PAGE, lambda item: item.number)

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
    category=Appeal.category,
    listed=lambda now: (
        (Appeal.state == "funding") & (Appeal.deadline > now) & Appeal.hidden_at.is_(None) & update_not_overdue(now)
    ),
    shown=Appeal.published_at.is_not(None),
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
    category=GoodsRequest.category,
    listed=lambda _: (
        (GoodsRequest.state == "open")
        & GoodsRequest.looked_at.is_not(None)
        & (GoodsRequest.promised + GoodsRequest.received < GoodsRequest.quantity)
    ),
    shown=GoodsRequest.state.in_(("open", "met")) & GoodsRequest.looked_at.is_not(None),
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
    category=Offer.category,
    listed=lambda now: (
        (Offer.state == "available")
        & Offer.looked_at.is_not(None)
        & or_(Offer.best_before.is_(None), Offer.best_before > now.astimezone(CHINA).date())
    ),
    shown=Offer.state.in_(("available", "exhausted")) & Offer.looked_at.is_not(None),
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
    ).join(Region, Region.code == Listing.region_code),
    number=Listing.id,
    owner=Listing.seller_id,
    name=Listing.name,
    category=Listing.kind,
    listed=lambda _: (Listing.state == "on_sale") & Listing.looked_at.is_not(None),
    shown=Listing.state.in_(("on_sale", "sold_out")) & Listing.looked_at.is_not(None),
)
