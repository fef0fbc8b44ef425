"""Declare what the staff's commands and the owners' words do to listings."""

from flows.market import list_produce
from handlers.goods.desk import desk_actions
from handlers.goods.own import owned_goods
from handlers.market.desk import MORE
from models.market.listing import LISTING, Listing

ACTIONS = desk_actions("listing", MORE)
OWNED = owned_goods(LISTING, Listing.name, {"sold_out": "sold_out"}, "list_produce", list_produce.answers_of)
