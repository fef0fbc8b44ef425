"""List the conversations of the market."""

from flows.engine.flow import Flow
from flows.market.after_sales.ask import after_sale
from flows.market.list_produce import list_produce
from flows.market.orders.buy import buy_pieces, buy_weight
from flows.market.orders.send_order import send_order

FLOWS: tuple[Flow, ...] = (list_produce, buy_weight, buy_pieces, send_order, after_sale)
