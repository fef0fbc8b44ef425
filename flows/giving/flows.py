"""The giving room's conversations: donors pledge, and fund holders run matching pools."""

from flows.engine.flow import Flow
from flows.giving.open_pool import open_pool_flow
from flows.giving.pledge import pledge
from flows.giving.pool_money import close_pool, fund_pool, return_pool

FLOWS: tuple[Flow, ...] = (open_pool_flow, fund_pool, close_pool, return_pool, pledge)
