"""The conversations that enter what the bank says, and undo what was entered."""

from flows.engine.flow import Flow
from flows.treasury.bank_entries import cover_fees, settle, top_up
from flows.treasury.reversal import undo_entry

FLOWS: tuple[Flow, ...] = (settle, top_up, cover_fees, undo_entry)
