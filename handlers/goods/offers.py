"""Declare what the staff's commands and the owners' words do to offers of goods."""

from flows.goods import offer
from handlers.goods.desk import desk_actions
from handlers.goods.own import owned_goods
from models.goods.exchange import OFFER, Offer

ACTIONS = desk_actions("offer")
OWNED = owned_goods(OFFER, Offer.item, {"gave_all": "exhausted"}, "offer_goods", offer.answers_of)
