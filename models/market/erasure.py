"""Forget what an erased person sold and ordered."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.core.leaver import ERASED, Leaver
from models.market.campaigns.leaving import leave_campaigns
from models.market.listing import MACHINE, Listing
from models.market.money.sub_merchant import Owner, own_number, withdraw_sub_merchant
from models.market.orders.leaving import buyer_left
from models.organisations.organisation import Organisation
from models.staff.task import close_task


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    """Withdraw the listings, and delete what was sold and the address of the shop; cancel what is not sent to them,
    and take them out of campaigns.

    What they listed for an organisation is the organisation's, and waits hidden for who speaks for it next.

    Of what was sent, names, addresses and waybills stay sealed until the law lets go of them
    (models.market.orders.clock). Nothing new is paid to them; what was paid goes its way.
    """
    leave_campaigns(db, leaver)
    buyer_left(db, leaver)
    if leaver.user_id and (number := own_number(db, Owner("user", leaver.user_id))):
        withdraw_sub_merchant(db, number, leaver.now)
    of_organisations = Listing.household_id.in_(select(Organisation.household_id))
    theirs = (Listing.seller_id == leaver.user_id) & ~of_organisations
    for listing in db.scalars(select(Listing).where(theirs).order_by(Listing.id).with_for_update()).all():
        if (listing.state, "withdrawn") in MACHINE.moves:
            MACHINE.move(db, listing, "withdrawn", leaver.actor, leaver.now, detail=ERASED)
            close_task(db, "listing", listing.id, leaver.now)
    db.flush()
    db.execute(update(Listing).where(theirs).values(name="", shop_url=None))
