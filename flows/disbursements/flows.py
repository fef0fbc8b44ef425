"""The flows that request a disbursement, name its payee, pay it out and account for it."""

from flows.disbursements.evidence import disbursement_evidence
from flows.disbursements.pay_out import pay_out
from flows.disbursements.payee import payee
from flows.disbursements.request import request_disbursement
from flows.disbursements.surplus import surplus
from flows.engine.flow import Flow

FLOWS: tuple[Flow, ...] = (request_disbursement, payee, disbursement_evidence, pay_out, surplus)
