"""List the conversations of the market."""

from flows.engine.flow import Flow
from flows.market.after_sales.ask import after_sale
from flows.market.campaigns.open_campaign import open_campaign
from flows.market.campaigns.take_part import pledge_firm, pledge_person, supply_most
from flows.market.list_produce import list_produce
from flows.market.orders.buy import buy_pieces, buy_weight
from flows.market.orders.send_order import send_order

FLOWS: tuple[Flow, ...] = (
    *(list_produce, buy_weight, buy_pieces, send_order, after_sale),
    *(open_campaign, pledge_person, pledge_firm, supply_most),
)
