"""Every flow there is. A new one is a file beside this and a line here."""

from flows.appoint import appoint
from flows.ask_receipt import ask_receipt
from flows.bind_card import bind_card
from flows.bounce import bounce
from flows.call import call
from flows.cover_fees import cover_fees
from flows.declare import declare
from flows.evidence import evidence
from flows.flow import Flow
from flows.handover import handover
from flows.issue_receipt import issue_receipt
from flows.left_over import left_over
from flows.list_produce import list_produce
from flows.message import message
from flows.monthly import monthly
from flows.object import object_
from flows.offer_goods import offer_goods
from flows.open_pool import open_pool_flow
from flows.pay_out import pay_out
from flows.payee import payee
from flows.pledge import pledge
from flows.pool_money import close_pool, fund_pool, return_pool
from flows.progress import progress
from flows.proxy_card import proxy_card
from flows.proxy_mandate import proxy_mandate
from flows.proxy_register import proxy_register
from flows.publish import publish
from flows.refund import refund
from flows.refund_by_hand import refund_by_hand
from flows.register import register
from flows.request_goods import request_goods
from flows.revise_appeal import revise_appeal
from flows.settle import settle
from flows.settle_stray import settle_stray, stray_by_hand
from flows.spend import spend
from flows.start_appeal import start_appeal
from flows.take_up import take_up
from flows.thank import thank
from flows.top_up import top_up
from flows.undo_entry import undo_entry
from flows.visit import visit

FLOWS: tuple[Flow, ...] = (
    register,
    start_appeal,
    revise_appeal,
    progress,
    thank,
    spend,
    payee,
    evidence,
    pay_out,
    settle,
    bounce,
    left_over,
    open_pool_flow,
    fund_pool,
    close_pool,
    return_pool,
    publish,
    call,
    take_up,
    pledge,
    monthly,
    message,
    refund,
    refund_by_hand,
    settle_stray,
    stray_by_hand,
    top_up,
    cover_fees,
    undo_entry,
    offer_goods,
    request_goods,
    list_produce,
    visit,
    object_,
    appoint,
    handover,
    declare,
    proxy_register,
    proxy_mandate,
    proxy_card,
    bind_card,
    ask_receipt,
    issue_receipt,
)
