"""List the conversations of the market."""

from flows.engine.flow import Flow
from flows.market.list_produce import list_produce

FLOWS: tuple[Flow, ...] = (list_produce,)
