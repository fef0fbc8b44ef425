"""Declare what the staff's commands and the owners' words do to requests of goods."""

from flows.goods import request
from handlers.goods.desk import desk_actions
from handlers.goods.own import owned_goods
from models.goods.exchange import REQUEST, GoodsRequest

ACTIONS = desk_actions("request")
OWNED = owned_goods(REQUEST, GoodsRequest.item, {"got_it": "met"}, "request_goods", request.answers_of)
