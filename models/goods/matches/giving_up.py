"""Expire an offer whose donor lets down one household after another, or turns them away."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.state_machine import SYSTEM
from models.goods.exchange import OFFER_MACHINE, Offer
from models.goods.matches import leaving
from models.goods.matches.match import Match
from models.goods.review import REVIEWED, notify_owner
from models.goods.rules import GoodsRules


def give_up_on(db: Session, offer: Offer, rules: GoodsRules, now: datetime) -> bool:
    """Expire an offer whose donor does not answer, or turns away more households than they send to; tell them.

    Round after round would make households wait for nothing; and who turned each away until the right one came would
    choose who takes. Returns whether it expired. The caller has locked the offer.
    """
    why = _too_much(db, offer, rules) if offer.state == "available" else None
    if why is None:
        return False
    OFFER_MACHINE.move(db, offer, "expired", SYSTEM, now, why)
    notify_owner(db, REVIEWED["offer"], offer, now)
    leaving.follow(db, "offer", offer.id, "expired", now, by_owner=False)
    return True


def _too_much(db: Session, offer: Offer, rules: GoodsRules) -> str | None:
    """Return why the donor gets no more rounds; None where they do. It is counted since it was approved or renewed.

    What the donor sends outweighs as many that they turned away.
    """
    since = func.coalesce(offer.renewed_at, offer.looked_at)
    by_donor = (Match.ended_by == "donor") & (Match.ended_at >= since)
    counted = select(
        func.count().filter(by_donor, Match.state == "lapsed"),
        func.count().filter(by_donor, Match.state.in_(("declined", "cancelled"))),
        func.count().filter(Match.agreed_at >= since, Match.ended_by.is_distinct_from("donor")),
    )
    lapsed, refused, sends = db.execute(counted.where(Match.offer_id == offer.id)).one()
    if lapsed >= rules.donor_lapses:
        return "unanswered"
    return "turned_away" if refused >= rules.donor_refusals and refused > sends else None
