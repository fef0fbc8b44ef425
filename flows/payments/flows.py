"""The flows for refunds, payout returns and suspense items."""

from flows.engine.flow import Flow
from flows.payments.payout_return import payout_return
from flows.payments.refund import refund
from flows.payments.refund_by_hand import refund_by_hand
from flows.payments.suspense import settle_suspense, suspense_by_hand

FLOWS: tuple[Flow, ...] = (payout_return, refund, refund_by_hand, settle_suspense, suspense_by_hand)
