"""The flows for recurring gifts, messages and receipts."""

from flows.donors.ask_receipt import ask_receipt
from flows.donors.issue_receipt import issue_receipt
from flows.donors.message import message
from flows.donors.recurring_gift import recurring_gift
from flows.engine.flow import Flow

FLOWS: tuple[Flow, ...] = (recurring_gift, message, ask_receipt, issue_receipt)
