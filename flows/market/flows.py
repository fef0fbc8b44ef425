"""The conversation that puts produce up for sale."""

from flows.engine.flow import Flow
from flows.market.list_produce import list_produce

FLOWS: tuple[Flow, ...] = (list_produce,)
