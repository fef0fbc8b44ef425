"""List the conversations of goods."""

from flows.engine.flow import Flow
from flows.goods.offer import offer_goods
from flows.goods.part import take_part, take_weight
from flows.goods.points.hand_out import hand_out_goods
from flows.goods.points.keep_point import keep_point, pass_on_point
from flows.goods.points.open_point import change_point_flow, open_point_flow
from flows.goods.points.receive_parcel import receive_parcel
from flows.goods.request import request_goods
from flows.goods.send_parcel import send_parcel
from flows.goods.thank_goods import thank_goods

FLOWS: tuple[Flow, ...] = (
    offer_goods,
    request_goods,
    take_part,
    take_weight,
    send_parcel,
    open_point_flow,
    change_point_flow,
    keep_point,
    pass_on_point,
    receive_parcel,
    hand_out_goods,
    thank_goods,
)
