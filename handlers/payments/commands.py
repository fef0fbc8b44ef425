"""Commands for refunds and suspense items."""

from handlers.payments import refunds, suspense
from handlers.routing.command import Command, Takes
from handlers.routing.roles import COUNTY_AND_HOLDER, FUND_HOLDER

COMMANDS: tuple[Command, ...] = (
    Command("refund", refunds.refund, Takes.CODE, guess=False),
    Command("refunds", refunds.refunds, Takes.NUMBER, staff=COUNTY_AND_HOLDER, guess=False),
    Command("suspense_items", suspense.suspense_items, Takes.NUMBER, staff=FUND_HOLDER, guess=False),
    # Only numbered lines lead here.
    Command("view_refund", refunds.view_refund, staff=COUNTY_AND_HOLDER),
    Command("view_suspense_item", suspense.view_suspense_item, staff=FUND_HOLDER),
    Command("settle_suspense", suspense.settle_suspense, staff=FUND_HOLDER),
    Command("resubmit_refund", refunds.resubmit_refund, staff=FUND_HOLDER),
    Command("resubmit_refunds", refunds.resubmit_refunds, staff=FUND_HOLDER),
    Command("refund_by_hand", refunds.refund_by_hand, staff=FUND_HOLDER),
)
