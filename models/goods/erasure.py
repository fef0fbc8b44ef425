"""Forget the goods that an erased person offered or asked for."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.core.leaver import ERASED, Leaver
from models.goods.exchange import OFFER_MACHINE, REQUEST_MACHINE, GoodsRequest, Offer
from models.staff.task import close_task


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    """Withdraw what is open, and delete what the goods were and why they were needed; kind and quantity stay."""
    offers = select(Offer).where(Offer.donor_id == leaver.user_id).order_by(Offer.id).with_for_update()
    requests = select(GoodsRequest).where(GoodsRequest.owner_id == leaver.user_id).order_by(GoodsRequest.id)
    for machine, found in ((OFFER_MACHINE, offers), (REQUEST_MACHINE, requests.with_for_update())):
        for thing in db.scalars(found).all():
            if (thing.state, "withdrawn") in machine.moves:
                machine.move(db, thing, "withdrawn", leaver.actor, leaver.now, detail=ERASED)
                close_task(db, machine.subject, thing.id, leaver.now)
    db.flush()
    db.execute(update(Offer).where(Offer.donor_id == leaver.user_id).values(item="", sort=None))
    mine = GoodsRequest.owner_id == leaver.user_id
    db.execute(update(GoodsRequest).where(mine).values(item="", sort=None, reason=""))
