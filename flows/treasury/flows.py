"""The conversations that enter what the bank says, and undo what was entered."""

from flows.engine.flow import Flow
from flows.treasury.fee_cover import cover_fees
from flows.treasury.reversal import undo_entry
from flows.treasury.settlement import settle
from flows.treasury.top_up import top_up

FLOWS: tuple[Flow, ...] = (settle, top_up, cover_fees, undo_entry)
