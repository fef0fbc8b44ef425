"""Pledge to buy in a campaign: nothing is paid, and it may be taken back until the last day."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.core.encryption import keyring
from models.core.measures import JIN
from models.core.state_machine import Actor
from models.market.campaigns.campaign import CODE_PURPOSE, PLEDGE_MACHINE, BuyingFirm, CampaignPledge
from models.market.campaigns.growers import lock_open, supplies_household_of
from models.market.campaigns.refusals import FirmPledged, NotPartOf, SuppliesIt, TooMuchForOne
from models.people.user import User

# How much whoever buys for no firm may pledge in one campaign: nobody dilutes the others' parts alone.
MOST_FOR_ONE = 1_000 * JIN

# Names the advisory lock of a firm's code beside other advisory locks.
_LOCK = 16


class Firm(NamedTuple):
    """A firm by its name, and by its unified social credit code (GB 32100), whose form the caller has checked."""

    name: str
    credit_code: str


@dataclass(frozen=True, slots=True)
class NewPledge:
    """What a buyer pledges. ``firm``: the firm for which they buy, or None."""

    draft_id: str
    campaign_id: int
    grams: int
    firm: Firm | None
    recipient: str
    phone: str
    region_code: str
    address: str


def check_amount(grams: int, *, by_firm: bool) -> None:
    """Raises TooMuchForOne."""
    if not by_firm and grams > MOST_FOR_ONE:
        raise TooMuchForOne(given=grams, most=MOST_FOR_ONE)


def check_pledgeable(db: Session, number: int, buyer: User, now: datetime) -> None:
    """Check that the person may pledge in it now. Raises NoSuchCampaign, CampaignOver or SuppliesIt."""
    campaign = lock_open(db, number, now)
    if supplies_household_of(db, campaign, buyer):
        raise SuppliesIt(number=number)


def check_firm_free(db: Session, number: int, credit_code: str, buyer_id: int) -> None:
    """Check that nobody else has pledged in it for this firm. Raises FirmPledged."""
    same = CampaignPledge.code_hash.in_(keyring().lookup_hashes(credit_code, CODE_PURPOSE))
    others = (CampaignPledge.campaign_id == number) & same & (CampaignPledge.buyer_id != buyer_id)
    if db.scalar(select(CampaignPledge.id).where(others).limit(1)):
        raise FirmPledged(number=number)


def pledge(db: Session, wanted: NewPledge, buyer: User, now: datetime) -> CampaignPledge:
    """Pledge, in the place of what the person pledged in it before. The same draft again returns the earlier pledge.

    Raises as ``check_pledgeable``, ``check_amount`` and ``check_firm_free`` do.
    """
    earlier = db.scalar(select(CampaignPledge).where(CampaignPledge.draft_id == wanted.draft_id))
    if earlier:
        return earlier
    check_pledgeable(db, wanted.campaign_id, buyer, now)
    check_amount(wanted.grams, by_firm=wanted.firm is not None)
    if wanted.firm:
        # Two who pledge for one firm at once queue here.
        db.execute(select(func.pg_advisory_xact_lock(_LOCK, zlib.crc32(wanted.firm.credit_code.encode()) - 2**31)))
        check_firm_free(db, wanted.campaign_id, wanted.firm.credit_code, buyer.id)
    found = find_pledge(db, wanted.campaign_id, buyer.id, lock=True)
    if found is None:
        found = CampaignPledge(campaign_id=wanted.campaign_id, buyer_id=buyer.id, state="standing")
        db.add(found)
    elif found.state in ("left", "struck"):
        with db.no_autoflush:  # the row satisfies its constraints only with the new address
            PLEDGE_MACHINE.move(db, found, "standing", Actor.owner(buyer.id), now)
    found.draft_id, found.grams, found.by_firm = wanted.draft_id, wanted.grams, wanted.firm is not None
    found.firm, found.credit_code = wanted.firm or (None, None)
    found.code_hash = keyring().lookup_hashes(found.credit_code, CODE_PURPOSE)[0] if found.credit_code else None
    found.region_code, found.pledged_at = wanted.region_code, now
    found.recipient, found.phone = wanted.recipient, wanted.phone
    found.address = " ".join(filter(None, (wanted.address, found.firm)))
    db.flush()
    if wanted.firm:
        _keep_firm(db, buyer.id, wanted.firm, wanted.phone, now)
    return found


def take_back(db: Session, user_id: int | None, number: int, now: datetime) -> CampaignPledge:
    """Take back what the person pledged, until the last day is over.

    Raises NoSuchCampaign, CampaignOver or NotPartOf.
    """
    lock_open(db, number, now)
    found = find_pledge(db, number, user_id, lock=True)
    if found is None or found.state != "standing":
        raise NotPartOf(number=number)
    end(db, found, "left", Actor.owner(user_id), now)
    return found


def end(db: Session, found: CampaignPledge, state: str, actor: Actor, now: datetime) -> None:
    """End a pledge; whose firm it was and where it goes is deleted. The caller holds the campaign."""
    end_each(db, {state: [found]}, actor, now)


def end_each(db: Session, pledges: Mapping[str, Sequence[CampaignPledge]], actor: Actor, now: datetime) -> None:
    """End many pledges, by the state to which each goes, in one statement."""
    with db.no_autoflush:
        for state, those in pledges.items():
            for found in those:
                found.recipient = found.phone = found.address = None
                found.firm = found.credit_code = found.code_hash = None
                PLEDGE_MACHINE.move(db, found, state, actor, now)
    db.flush()


def find_pledge(db: Session, number: int, user_id: int | None, *, lock: bool = False) -> CampaignPledge | None:
    theirs = (CampaignPledge.campaign_id == number) & (CampaignPledge.buyer_id == user_id)
    found = select(CampaignPledge).where(theirs).execution_options(populate_existing=True)
    return db.scalar(found.with_for_update() if lock else found)


def pledges_of(db: Session, number: int) -> list[CampaignPledge]:
    """List what stands pledged in a campaign, the first first."""
    standing = (CampaignPledge.campaign_id == number) & (CampaignPledge.state == "standing")
    return list(db.scalars(select(CampaignPledge).where(standing).order_by(CampaignPledge.id)))


def firm_of(db: Session, user_id: int | None) -> BuyingFirm | None:
    return db.get(BuyingFirm, user_id) if user_id else None


def forget_firm(db: Session, user_id: int | None) -> None:
    """Forget for which firm a person last pledged."""
    db.execute(delete(BuyingFirm).where(BuyingFirm.user_id == user_id))


def _keep_firm(db: Session, user_id: int, firm: Firm, phone: str, now: datetime) -> None:
    said = insert(BuyingFirm).values(user_id=user_id, **firm._asdict(), phone=phone, stated_at=now)
    changed = {column: said.excluded[column] for column in (*Firm._fields, "phone", "stated_at")}
    db.execute(said.on_conflict_do_update(index_elements=["user_id"], set_=changed))
