"""Collect the notification kinds that the rooms declare."""

from models.appeals import notification_kinds as appeals
from models.disbursements import notification_kinds as disbursements
from models.donors import notification_kinds as donors
from models.families import notification_kinds as families
from models.giving import notification_kinds as giving
from models.goods import notification_kinds as goods
from models.market import notification_kinds as market
from models.notifications.kinds import KINDS, Kind
from models.organisations import notification_kinds as organisations
from models.outreach import notification_kinds as outreach
from models.payments import notification_kinds as payments
from models.proxy import notification_kinds as proxy
from models.public import notification_kinds as public
from models.rights import notification_kinds as rights
from models.speech import notification_kinds as speech
from models.staff import notification_kinds as staff
from models.support import notification_kinds as support
from models.verification import notification_kinds as verification

ROOMS: dict[str, dict[str, Kind]] = {
    "appeals": appeals.KINDS,
    "disbursements": disbursements.KINDS,
    "donors": donors.KINDS,
    "families": families.KINDS,
    "giving": giving.KINDS,
    "goods": goods.KINDS,
    "market": market.KINDS,
    "organisations": organisations.KINDS,
    "outreach": outreach.KINDS,
    "payments": payments.KINDS,
    "proxy": proxy.KINDS,
    "public": public.KINDS,
    "rights": rights.KINDS,
    "speech": speech.KINDS,
    "staff": staff.KINDS,
    "support": support.KINDS,
    "verification": verification.KINDS,
}


def declare_kinds() -> None:
    for room, kinds in ROOMS.items():
        KINDS.declare(room, kinds)
