"""List the conversations of goods."""

from flows.engine.flow import Flow
from flows.goods.offer import offer_goods
from flows.goods.part import take_part, take_weight
from flows.goods.request import request_goods
from flows.goods.send_parcel import send_parcel

FLOWS: tuple[Flow, ...] = (offer_goods, request_goods, take_part, take_weight, send_parcel)
