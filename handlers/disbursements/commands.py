"""Commands that request a disbursement, pay it out and account for it."""

from flows.disbursements.payee import WITHOUT_PROOF
from handlers.disbursements import desk, owner
from handlers.routing.command import Command, Takes
from handlers.routing.roles import FUND_HOLDER, OFFICERS

COMMANDS: tuple[Command, ...] = (
    Command("use_money", owner.use_money, Takes.NUMBER, guess=False),
    Command("evidence", owner.evidence, Takes.NUMBER, guess=False),
    Command("received", owner.received, Takes.CODE, guess=False),
    Command("not_received", owner.not_received, Takes.CODE, guess=False),
    Command("pay_out", desk.pay_out, Takes.NUMBER, staff=FUND_HOLDER, guess=False),
    # Only numbered lines lead here.
    Command("choose_payee", owner.choose_payee),
    Command("request_for_payee", owner.request_for_payee),
    Command("new_payee", owner.new_payee),
    Command(WITHOUT_PROOF, owner.payee_and_wait),
    Command("change_payee", owner.change_payee),
    Command("no_more", owner.no_more),
    Command("view_disbursement", owner.view_disbursement),
    Command("withdraw_use", owner.withdraw_use),
    Command("say_received", owner.say_received),
    Command("record_call", desk.record_call, staff=OFFICERS),
    Command("enter_transfer", desk.enter_transfer, staff=FUND_HOLDER),
    Command("not_transferred", desk.not_transferred, staff=FUND_HOLDER),
    Command("bounce", desk.begin_payout_return, staff=FUND_HOLDER),
)
