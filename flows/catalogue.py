"""Every flow, as the rooms declare them."""

from flows.appeals import flows as appeals
from flows.disbursements import flows as disbursements
from flows.donors import flows as donors
from flows.engine.flow import Flow
from flows.families import flows as families
from flows.giving import flows as giving
from flows.goods import flows as goods
from flows.market import flows as market
from flows.organisations import flows as organisations
from flows.outreach import flows as outreach
from flows.payments import flows as payments
from flows.people import flows as people
from flows.proxy import flows as proxy
from flows.rights import flows as rights
from flows.staff import flows as staff
from flows.support import flows as support
from flows.treasury import flows as treasury
from flows.verification import flows as verification

ROOMS = (
    appeals.FLOWS,
    disbursements.FLOWS,
    donors.FLOWS,
    families.FLOWS,
    giving.FLOWS,
    goods.FLOWS,
    market.FLOWS,
    organisations.FLOWS,
    outreach.FLOWS,
    payments.FLOWS,
    people.FLOWS,
    proxy.FLOWS,
    rights.FLOWS,
    staff.FLOWS,
    support.FLOWS,
    treasury.FLOWS,
    verification.FLOWS,
)
FLOWS: tuple[Flow, ...] = tuple(flow for room in ROOMS for flow in room)
