"""Keep who sells, and what land is stated, in step with households that join and part (models.families.moving)."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.market import seller
from models.market.listing import Listing
from models.market.statement import Statement, find_statement
from models.people.user import User


def move_sales(db: Session, source: int, target: int, now: datetime, *, joined: bool) -> None:
    """Give the household ``target``, to which listings have moved, a seller and their land. ``joined``: all of it has.

    Two households' land that joins adds up. Who parts states as much as before until they state their own; an officer
    looks at it first, before more of it is listed.
    """
    listed = select(Listing).where(Listing.household_id == target).order_by(Listing.id)
    listings = list(db.scalars(listed.execution_options(populate_existing=True)))
    own = seller.seller_of(db, source, lock=True)
    if joined and own and seller.seller_of(db, target) is None:
        own.household_id = target
        db.flush()
    elif listings:
        first = db.get_one(User, listings[0].seller_id)
        seller.apply(db, seller.for_family(first), first.id, now)
    needed = {(each.crop, each.season) for each in listings if each.crop}
    for stated in db.scalars(select(Statement).where(Statement.household_id == source)).all():
        there = find_statement(db, target, stated.crop, stated.season, lock=True)
        if there and joined:
            there.seen_plot = there.seen_plot + stated.seen_plot if there.seen_plot and stated.seen_plot else None
            there.plot, there.most_grams = there.plot + stated.plot, there.most_grams + stated.most_grams
        elif there is None and (stated.crop, stated.season) in needed:
            copied = {name: getattr(stated, name) for name in ("stated_by", "crop", "season", "plot", "most_grams")}
            seen = stated.seen_plot if joined else None
            db.add(Statement(household_id=target, stated_at=stated.stated_at, seen_plot=seen, **copied))
    db.flush()
