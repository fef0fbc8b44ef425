"""Tell growers, buyers and the officer who opened a campaign where it stands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from models.core.calendar import CHINA
from models.market.campaigns.campaign import NAME, Campaign, CampaignPledge
from models.notifications.notify import NewForUser, drop_unread, notify_user, notify_users
from models.places.region import Region
from models.staff.member import Staff, notify_staff


def tell_grower(db: Session, campaign: Campaign, user_id: int, now: datetime) -> None:
    """Tell whoever may supply it that it is open."""
    key = f"campaign_opened:{campaign.id}:{user_id}"
    notify_user(db, user_id, "campaign_opened", facts_of(db, campaign), key, now, (NAME, campaign.id))


def tell_officer(db: Session, campaign: Campaign, now: datetime, reasons: Sequence[str] = ()) -> None:
    """Tell the officer who opened it what became of it."""
    facts = {**facts_of(db, campaign), "reasons": list(reasons)}
    opener = db.get_one(Staff, campaign.opened_by)
    key = f"campaign_moved:{campaign.id}:{campaign.state}"
    notify_staff(db, opener, "campaign_moved", facts, key, now, (NAME, campaign.id))


def tell_checkers(
    db: Session, campaign: Campaign, officers: Sequence[int], firms: int, grams: int, now: datetime
) -> None:
    """Ask the officers (ids of seats) to look at the firms in it before it is divided."""
    assert campaign.divides_at is not None  # noqa: S101 - the caller has set it
    facts = {
        **facts_of(db, campaign),
        "firms": firms,
        "grams": grams,
        "divides": campaign.divides_at.astimezone(CHINA).date().isoformat(),
    }
    for officer in officers:
        seat = db.get_one(Staff, officer)
        notify_staff(db, seat, "campaign_firms", facts, f"campaign_firms:{campaign.id}", now, (NAME, campaign.id))


def tell_struck(
    db: Session, campaign: Campaign, pledged: CampaignPledge, decision: int, reasons: Sequence[str], now: datetime
) -> None:
    """Tell whoever pledged for a firm that it was struck, why, and whether it may pledge again (``again``)."""
    again = campaign.state == "open" and now < campaign.closes_at
    facts = {**facts_of(db, campaign), "grams": pledged.grams, "reasons": list(reasons), "again": again}
    notify_user(db, pledged.buyer_id, "firm_struck", facts, f"firm_struck:{decision}", now, (NAME, campaign.id))


class End(NamedTuple):
    """What it came to for a buyer or a grower (``side``): ``grams`` were pledged, or to be had; ``given`` of it.

    ``parts``: how many orders came of it.
    """

    side: str
    user_id: int
    grams: int
    given: int
    parts: int


def tell_ends(db: Session, campaign: Campaign, ends: Sequence[End], now: datetime) -> None:
    """Tell all buyers and growers how it ended, in two statements."""
    same, told = facts_of(db, campaign), []
    for each in ends:
        facts = {**same, "side": each.side, "grams": each.grams, "given": each.given, "parts": each.parts}
        key = f"campaign_ended:{campaign.id}:{each.side}:{each.user_id}"
        told.append(NewForUser(each.user_id, campaign.id, facts, key))
    notify_users(db, "campaign_ended", NAME, told, now)


def drop_invitations(db: Session, campaign: Campaign) -> None:
    """Delete what waits unread and can be answered no more."""
    drop_unread(db, ["campaign_opened"], (NAME, campaign.id))


def facts_of(db: Session, campaign: Campaign) -> dict[str, Any]:
    return {
        "campaign": campaign.id,
        "crop": campaign.crop,
        "place": db.get_one(Region, campaign.region_code).full_name,
        "price_fen": campaign.price_fen,
        "until": campaign.last_day.isoformat(),
        "state": campaign.state,
        "why": campaign.why,
    }
