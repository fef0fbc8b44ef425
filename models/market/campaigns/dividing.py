"""Close campaigns on their last day, divide what was pledged among the growers, and make orders of the parts.

Locks are taken in this order: the campaign, the listings from the lowest number up, then what the orders take.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from models.core.base import among
from models.core.measures import JIN
from models.core.state_machine import SYSTEM
from models.goods.rounds.gathering import scores_of
from models.market.campaigns.campaign import (
    CAMPAIGN_MACHINE,
    NAME,
    Campaign,
    CampaignGrower,
    CampaignPart,
    CampaignPledge,
)
from models.market.campaigns.ending import end_all, end_without
from models.market.campaigns.firms import wait_for_check
from models.market.campaigns.growers import growers_of, homes_of_each, select_supplies
from models.market.campaigns.pledging import pledges_of
from models.market.campaigns.rule import Demand, Part, Supply, divide, need_weight
from models.market.campaigns.telling import drop_invitations
from models.market.listing import Listing
from models.market.lots.lot import Lot
from models.market.orders.order import Order
from models.market.orders.placing import NewOrder, place_divided
from models.market.statement import find_statement
from models.market.submission import listed_grams
from models.people.user import User
from models.staff.task import close_task

_BATCH = 20
# Who pays by WeChat Pay learns of the order by a notice, and has longer than beside a review.
PAYS_WITHIN = timedelta(days=2)
_OVER = ("completed", "cancelled", "refunded", "rejected")


def close_campaigns(db: Session, now: datetime) -> int:
    """End what is past its last day; what has its least sum waits to be divided. Returns how many. Takes one batch."""
    due = select(Campaign).where(Campaign.state.in_(("submitted", "open")), Campaign.closes_at <= now)
    found = db.scalars(due.order_by(Campaign.closes_at, Campaign.id).limit(_BATCH).with_for_update(skip_locked=True))
    campaigns = found.all()
    for campaign in campaigns:
        if campaign.state == "submitted":
            close_task(db, NAME, campaign.id, now)
            end_without(db, campaign, "failed", "unconfirmed", SYSTEM, now)
        elif sum(each.grams for each in pledges_of(db, campaign.id)) < campaign.least_grams:
            end_without(db, campaign, "failed", "least", SYSTEM, now)
        else:
            drop_invitations(db, campaign)
            wait_for_check(db, campaign, now)
            CAMPAIGN_MACHINE.move(db, campaign, "reached", SYSTEM, now)
    db.flush()
    return len(campaigns)


def reached_campaigns(db: Session, now: datetime) -> list[int]:
    """List the campaigns that are to be divided now, the first closed first."""
    waiting = select(Campaign.id).where(Campaign.state == "reached", Campaign.divides_at <= now)
    waiting = waiting.order_by(Campaign.closes_at, Campaign.id)
    return list(db.scalars(waiting.limit(_BATCH)))


def divide_campaign(db: Session, number: int, now: datetime) -> bool:
    """Divide a campaign in one transaction, or end it without anything: all of its orders are there, or none is.

    Returns whether it did. A process that dies leaves it waiting, and the next run divides it.
    """
    campaign = db.get(Campaign, number, with_for_update={"skip_locked": True}, populate_existing=True)
    if campaign is None or campaign.state != "reached" or campaign.divides_at is None or campaign.divides_at > now:
        return False
    growers, pledges = growers_of(db, campaign), pledges_of(db, number)
    if sum(each.grams for each in pledges) < campaign.least_grams:  # without the firms that were struck
        end_without(db, campaign, "failed", "least", SYSTEM, now)
        return True
    listings = _lock_listings(db, campaign, growers)
    supplies = _supplies(db, growers, listings)
    demands = _demands(db, pledges, growers, listings)
    parts = divide(supplies, demands)
    if not parts:
        end_without(db, campaign, "failed", "growers", SYSTEM, now)
        return True
    campaign.divided_at = now
    CAMPAIGN_MACHINE.move(db, campaign, "divided", SYSTEM, now)
    _place(db, campaign, {each.id: each for each in growers}, {each.id: each for each in pledges}, listings, parts, now)
    end_all(db, campaign, growers, pledges, parts, now)
    return True


def end_divided(db: Session, now: datetime) -> int:
    """End the campaigns of which every order is over; returns how many. Takes one batch."""
    runs = select(CampaignPart.id).join(Order, Order.id == CampaignPart.order_id)
    runs = runs.where(CampaignPart.campaign_id == Campaign.id, Order.state.not_in(_OVER))
    over = select(Campaign).where(Campaign.state == "divided", ~runs.exists()).order_by(Campaign.id)
    campaigns = db.scalars(over.limit(_BATCH).with_for_update(skip_locked=True)).all()
    for campaign in campaigns:
        CAMPAIGN_MACHINE.move(db, campaign, "done", SYSTEM, now)
    db.flush()
    return len(campaigns)


def _lock_listings(db: Session, campaign: Campaign, growers: Sequence[CampaignGrower]) -> dict[int, Listing]:
    """Lock the listings that are still on sale and their sellers endorsed; what is not supplies nothing.

    Nor does what is being picked, until its seller has said how much there is.
    """
    theirs = [each.listing_id for each in growers]
    uncounted = select(Lot.id).where(Lot.listing_id == Listing.id, Lot.state == "locked", ~Lot.counted)
    held = select_supplies(campaign).where(Listing.id.in_(theirs), ~uncounted.exists()).order_by(Listing.id)
    found = held.with_for_update(of=Listing).execution_options(populate_existing=True)
    return {listing.id: listing for listing in db.scalars(found)}


def _supplies(db: Session, growers: Sequence[CampaignGrower], listings: dict[int, Listing]) -> list[Supply]:
    """Read what the rule knows of each grower, and keep it with the grower.

    Two who joined before their households became one share its land.
    """
    able = [each for each in growers if each.listing_id in listings]
    together = Counter(listings[each.listing_id].household_id for each in able)
    scores = scores_of(db, list(together))
    found = []
    for each in able:
        listing = listings[each.listing_id]
        each.cap_grams = min(listing.available, each.most_grams or listing.available) // JIN * JIN
        each.need = need_weight(scores.get(listing.household_id))
        each.stated_grams = _stated(db, listing) // together[listing.household_id]
        found.append(Supply(each.id, each.stated_grams // JIN, each.need, each.cap_grams // JIN))
    return found


def _stated(db: Session, listing: Listing) -> int:
    """Compute what the household's land can still give, in grams: of the land that an officer saw, less what is sold
    and what it lists elsewhere."""
    stated = find_statement(db, listing.household_id, listing.crop, listing.season)
    if stated is None or stated.seen_plot is None:
        return 0
    most = stated.most_grams * min(stated.plot, stated.seen_plot) // stated.plot
    gone = (listing.initial - listing.available) * (listing.grams_each or 1)
    return max(most - listed_grams(db, stated, besides=listing.id) - gone, 0)


def _demands(
    db: Session, pledges: Sequence[CampaignPledge], growers: Sequence[CampaignGrower], listings: dict[int, Listing]
) -> list[Demand]:
    """Read what is pledged. A household may have become one since: nobody buys of their own."""
    at_home: dict[int, set[int]] = {}
    for each in growers:
        if listing := listings.get(each.listing_id):
            at_home.setdefault(listing.household_id, set()).add(each.id)
    buyers = db.scalars(select(User).where(among(User.id, [each.buyer_id for each in pledges]))).all()
    homes, found = homes_of_each(db, buyers), []
    for pledged in pledges:
        barred = frozenset(grower for home in homes[pledged.buyer_id] for grower in at_home.get(home, ()))
        found.append(Demand(pledged.id, pledged.grams // JIN, barred))
    return found


def _place(
    db: Session,
    campaign: Campaign,
    growers: dict[int, CampaignGrower],
    pledges: dict[int, CampaignPledge],
    listings: dict[int, Listing],
    parts: Sequence[Part],
    now: datetime,
) -> None:
    """Make orders of the parts, those of each listing together, from the lowest number up."""
    listed = {each.id: listings[each.listing_id] for each in growers.values() if each.listing_id in listings}
    ordered = sorted(parts, key=lambda part: (listed[part.grower].id, part.buyer))
    wanted = [
        (listed[part.grower], pledges[part.buyer].buyer_id, _wanted(campaign, part, pledges, growers))
        for part in ordered
    ]
    orders = place_divided(db, wanted, now, pays_within=PAYS_WITHIN)
    same = {"campaign_id": campaign.id}
    made = [
        {**same, "pledge_id": part.buyer, "grower_id": part.grower, "order_id": order.id, "grams": order.quantity}
        for part, order in zip(ordered, orders, strict=True)
    ]
    db.execute(insert(CampaignPart), made)


def _wanted(
    campaign: Campaign, part: Part, pledges: dict[int, CampaignPledge], growers: dict[int, CampaignGrower]
) -> NewOrder:
    pledged, grower = pledges[part.buyer], growers[part.grower]
    return NewOrder(
        draft_id=f"campaign:{pledged.id}:{grower.id}",
        listing_id=grower.listing_id,
        quantity=part.amount * JIN,
        unit="jin",
        price_fen=campaign.price_fen,
        fresh=grower.fresh,
        recipient=pledged.recipient or "",
        phone=pledged.phone or "",
        region_code=pledged.region_code,
        address=pledged.address or "",
    )
