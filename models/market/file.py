"""Show officers what a listing rests on: who sells, the land, the usual prices, and what looks like a reseller."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.measures import JIN
from models.market.after_sales.after_sale import AfterSale
from models.market.listing import Listing
from models.market.orders.order import Order
from models.market.rules import MarketRules
from models.market.same_land import SameLand, same_land
from models.market.seller import seller_of
from models.market.statement import Statement, find_statement
from models.market.submission import listed_grams
from models.organisations.organisation import organisation_of


@dataclass(frozen=True, slots=True)
class Land:
    """The household's land under the crop (hundredths of a 亩): ``plot`` as stated, ``seen_plot`` as an officer saw it.

    ``most`` and ``listed``: what it can give, and what is listed of it over all listings, in grams.
    """

    season: int
    plot: int
    seen_plot: int | None
    most: int
    listed: int


@dataclass(frozen=True, slots=True)
class SellerFile:
    """``name``: the organisation's that sells, None of a household. ``state``: the seller's, None where there is none.

    ``usual``: the usual prices of a 斤 there (low, high), in fen.

    ``jin_fen``: what a 斤 costs here. ``before_fen``: the price that was approved last. ``flags``: plot_grew (more land
    than an officer saw), not_grown_here, dear (above the usual prices), risen (above what was approved).
    ``same_land``: who else may have stated the same land.
    ``unkept``: of how many orders they did not do what was decided.
    """

    name: str | None
    state: str | None
    land: Land | None
    usual: tuple[int, int] | None
    jin_fen: int
    before_fen: int | None
    flags: tuple[str, ...]
    same_land: SameLand | None
    unkept: int


def seller_file(db: Session, number: int, rules: MarketRules) -> SellerFile:
    listing = db.get_one(Listing, number)
    seller, crop = seller_of(db, listing.household_id), rules.crop(listing.crop)
    stated = find_statement(db, listing.household_id, listing.crop, listing.season)
    usual = rules.usual_prices(crop, listing.region_code) if crop else None
    weight = JIN if listing.unit == "jin" else listing.grams_each or JIN
    jin_fen = round(listing.price_fen * JIN / weight)
    flags = {
        "plot_grew": stated is not None and stated.seen_plot is not None and stated.plot > stated.seen_plot,
        "not_grown_here": crop is not None and not crop.grows_in(listing.region_code),
        "dear": usual is not None and jin_fen > usual[1],
        "risen": listing.dear and listing.endorsed_fen is not None and listing.price_fen > listing.endorsed_fen,
    }
    organisation = organisation_of(db, listing.household_id)
    return SellerFile(
        name=organisation.name if organisation else None,
        state=seller.state if seller else None,
        land=_land(db, stated) if stated else None,
        usual=usual,
        jin_fen=jin_fen,
        before_fen=listing.endorsed_fen,
        flags=tuple(name for name, raised in flags.items() if raised),
        same_land=same_land(db, stated) if stated else None,
        unkept=_unkept(db, listing.household_id),
    )


def _unkept(db: Session, household_id: int) -> int:
    theirs = select(func.count(AfterSale.id)).join(Order, Order.id == AfterSale.order_id)
    return db.scalar(theirs.where(Order.household_id == household_id, AfterSale.state == "unkept")) or 0


def _land(db: Session, stated: Statement) -> Land:
    listed = listed_grams(db, stated)
    return Land(stated.season, stated.plot, stated.seen_plot, stated.most_grams, listed)
