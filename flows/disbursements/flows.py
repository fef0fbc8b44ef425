"""The conversations that ask for an appeal's money, pay it out and account for it."""

from flows.disbursements.evidence import evidence
from flows.disbursements.pay_out import pay_out
from flows.disbursements.payee import payee
from flows.disbursements.request import spend
from flows.disbursements.surplus import left_over
from flows.engine.flow import Flow

FLOWS: tuple[Flow, ...] = (spend, payee, evidence, pay_out, left_over)
