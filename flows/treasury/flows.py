"""List the conversations that make and reverse bank entries."""

from flows.engine.flow import Flow
from flows.treasury.bank_entries import cover_fees, enter_settlement, top_up
from flows.treasury.reversal import reverse_entry

FLOWS: tuple[Flow, ...] = (enter_settlement, top_up, cover_fees, reverse_entry)
