"""Every flow there is. A new one is a file beside this and a line here."""

from flows.appeals.revise_appeal import revise_appeal
from flows.appeals.start_appeal import start_appeal
from flows.disbursements.evidence import disbursement_evidence
from flows.disbursements.pay_out import pay_out
from flows.disbursements.payee import payee
from flows.disbursements.request import request_disbursement
from flows.disbursements.surplus import surplus
from flows.donors.ask_receipt import ask_receipt
from flows.donors.issue_receipt import issue_receipt
from flows.donors.message import message
from flows.donors.recurring_gift import recurring_gift
from flows.engine.flow import Flow
from flows.giving.open_pool import open_pool_flow
from flows.giving.pledge import pledge
from flows.giving.pool_money import close_pool, fund_pool, return_pool
from flows.goods.offer import offer_goods
from flows.goods.request import request_goods
from flows.market.list_produce import list_produce
from flows.outreach.emergency_call import emergency_call
from flows.outreach.publish import publish
from flows.outreach.thanks import thank
from flows.outreach.update import post_update
from flows.payments.payout_return import payout_return
from flows.payments.refund import refund
from flows.payments.refund_by_hand import refund_by_hand
from flows.payments.suspense import settle_suspense, suspense_by_hand
from flows.people.register import register
from flows.proxy.bind_card import bind_card
from flows.proxy.mandate import proxy_mandate
from flows.proxy.print_card import proxy_card
from flows.proxy.register import proxy_register
from flows.staff.accept_invitation import accept_invitation
from flows.staff.declare_conflict import declare_conflict
from flows.staff.handover import handover
from flows.staff.invite import invite_staff
from flows.treasury.bank_entries import cover_fees, enter_settlement, top_up
from flows.treasury.reversal import reverse_entry
from flows.verification.objection import raise_objection
from flows.verification.visit import visit

FLOWS: tuple[Flow, ...] = (
    register,
    start_appeal,
    revise_appeal,
    post_update,
    thank,
    request_disbursement,
    payee,
    disbursement_evidence,
    pay_out,
    enter_settlement,
    payout_return,
    surplus,
    open_pool_flow,
    fund_pool,
    close_pool,
    return_pool,
    publish,
    emergency_call,
    accept_invitation,
    pledge,
    recurring_gift,
    message,
    refund,
    refund_by_hand,
    settle_suspense,
    suspense_by_hand,
    top_up,
    cover_fees,
    reverse_entry,
    offer_goods,
    request_goods,
    list_produce,
    visit,
    raise_objection,
    invite_staff,
    handover,
    declare_conflict,
    proxy_register,
    proxy_mandate,
    proxy_card,
    bind_card,
    ask_receipt,
    issue_receipt,
)
