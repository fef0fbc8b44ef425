"""Commands for recurring gifts, messages, traces and receipts."""

from handlers.donors import messages, receipts, recurring_gift, trace
from handlers.routing.command import Command, Takes
from handlers.routing.roles import COUNTY_AND_HOLDER, FUND_HOLDER

COMMANDS: tuple[Command, ...] = (
    Command("leave_message", messages.leave_message, Takes.CODE, guess=False),
    Command("messages", messages.messages, Takes.NUMBER, guess=False),
    Command("recurring_gift", recurring_gift.recurring_gift, Takes.GIFT, guess=False),
    Command("stop_recurring_gift", recurring_gift.stop_recurring_gift, Takes.NUMBER, guess=False),
    Command("trace", trace.trace, Takes.CODE, guess=False),
    Command("receipt", receipts.receipt, Takes.CODE, guess=False),
    # Only numbered lines and sentences (config/intents.toml) lead here.
    Command("where_money_goes", trace.where_money_goes),
    Command("view_recurring_gift", recurring_gift.view_recurring_gift),
    Command("pay_recurring_gift", recurring_gift.pay_recurring_gift),
    Command("skip_recurring_gift", recurring_gift.skip_recurring_gift),
    Command("withdraw_message", messages.withdraw_message),
    Command("report_message", messages.report_message),
    Command("view_receipt", receipts.view_receipt, staff=COUNTY_AND_HOLDER),
    Command("issue_receipt", receipts.issue_receipt, staff=FUND_HOLDER),
    Command("refuse_receipt", receipts.refuse_receipt, staff=FUND_HOLDER),
    Command("void_receipt", receipts.void_receipt, staff=FUND_HOLDER),
    Command("drop_receipt", receipts.drop_receipt),
)
