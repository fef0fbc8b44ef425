"""Forget the goods that an erased person offered or asked for, and their matches."""

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from models.core.leaver import ERASED, Leaver
from models.goods.exchange import OFFER_MACHINE, REQUEST_MACHINE, GoodsRequest, Offer
from models.goods.matches import leaving, locks
from models.goods.matches.match import Match
from models.goods.matches.thanks import THANKS_MACHINE, GoodsThanks
from models.staff.task import close_task


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    """Withdraw what is open, and delete what the goods were and why they were needed; kind and quantity stay.

    What is on its way to the person, or waits for them, goes to the shelf; what the person sent arrives.
    """
    asked = Match.request_id.in_(select(GoodsRequest.id).where(GoodsRequest.owner_id == leaver.user_id))
    locks.lock_offers_first(db, or_(Match.donor_id == leaver.user_id, asked))
    offers = select(Offer).where(Offer.donor_id == leaver.user_id).order_by(Offer.id).with_for_update()
    requests = select(GoodsRequest).where(GoodsRequest.owner_id == leaver.user_id).order_by(GoodsRequest.id)
    for machine, found in ((OFFER_MACHINE, offers), (REQUEST_MACHINE, requests.with_for_update())):
        for thing in db.scalars(found).all():
            if (thing.state, "withdrawn") in machine.moves:
                machine.move(db, thing, "withdrawn", leaver.actor, leaver.now, detail=ERASED)
                close_task(db, machine.subject, thing.id, leaver.now)
    db.flush()
    leaving.apply(db, "offer_withdrawn", Match.donor_id == leaver.user_id, leaver.now)
    leaving.apply(db, "request_withdrawn", asked, leaver.now)
    _forget_thanks(db, leaver, asked)
    db.execute(update(Match).where(Match.donor_id == leaver.user_id).values(carrier=None, waybill=None))
    db.execute(update(Offer).where(Offer.donor_id == leaver.user_id).values(item="", sort=None))
    mine = GoodsRequest.owner_id == leaver.user_id
    db.execute(update(GoodsRequest).where(mine).values(item="", sort=None, reason=""))


def _forget_thanks(db: Session, leaver: Leaver, asked: ColumnElement[bool]) -> None:
    """Withdraw the household's thanks that wait for an officer, and delete the words of all."""
    theirs = (
        select(GoodsThanks).join(Match, Match.id == GoodsThanks.match_id).where(asked).with_for_update(of=GoodsThanks)
    )
    for thanks in db.scalars(theirs.order_by(GoodsThanks.id)).all():
        if thanks.state == "submitted":
            THANKS_MACHINE.move(db, thanks, "withdrawn", leaver.actor, leaver.now, detail=ERASED)
            close_task(db, "goods_thanks", thanks.id, leaver.now)
        thanks.words = ""
    db.flush()
