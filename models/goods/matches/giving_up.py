"""Expire an offer whose donor lets down one household after another, or turns them away."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.core.audit_trail import AuditEvent
from models.core.state_machine import SYSTEM
from models.goods.exchange import OFFER, OFFER_MACHINE, Offer
from models.goods.matches import leaving
from models.goods.matches.match import Match
from models.goods.review import REVIEWED, notify_owner
from models.goods.rules import GoodsRules

# Why an offer expired whose donor turned households away, in its audit trail.
TURNED_AWAY = "turned_away"


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


def turned_away(db: Session, offer: Offer) -> bool:
    """Tell whether the offer has expired because its donor turned households away."""
    its_own = (AuditEvent.subject == OFFER.name) & (AuditEvent.subject_id == offer.id)
    newest = select(AuditEvent.detail).where(its_own, AuditEvent.to_state == "expired").order_by(AuditEvent.id.desc())
    return offer.state == "expired" and db.scalar(newest.limit(1)) == TURNED_AWAY


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
    return TURNED_AWAY if refused >= rules.donor_refusals and refused > sends else None
