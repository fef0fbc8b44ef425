"""Collect, by subject, what the staff's commands do to each kind of thing, as the rooms declare it."""

from handlers.appeals import decide as appeals
from handlers.appeals import revisions
from handlers.disbursements import desk as disbursements
from handlers.donors import messages, receipts
from handlers.families import desk as households
from handlers.goods import match_desk, offers, requests, thanks
from handlers.market import listings
from handlers.market.after_sales import desk as after_sales
from handlers.market.campaigns import desk as campaigns
from handlers.market.campaigns import firms
from handlers.organisations import desk as organisations
from handlers.outreach import updates
from handlers.payments import refunds, suspense
from handlers.rights import name_desk, number_claim_desk, paper_erasure_desk
from handlers.staff.subject_actions import SubjectActions
from handlers.support import inquiry
from handlers.treasury import reconciliation
from handlers.verification import decide as cases

SUBJECT_ACTIONS: dict[str, SubjectActions] = {
    room.ACTIONS.subject: room.ACTIONS
    for room in (
        *(cases, appeals, revisions, updates, disbursements),
        *(messages, refunds, suspense, reconciliation, receipts, inquiry, name_desk),
        *(requests, offers, listings, match_desk, thanks, paper_erasure_desk, number_claim_desk, households),
        *(after_sales, organisations, campaigns, firms),
    )
}
