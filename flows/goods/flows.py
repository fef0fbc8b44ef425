"""List the conversations of goods."""

from flows.engine.flow import Flow
from flows.goods.offer import offer_goods
from flows.goods.request import request_goods

FLOWS: tuple[Flow, ...] = (offer_goods, request_goods)
