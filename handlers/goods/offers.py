"""Declare what the staff's commands do to offers of goods."""

from handlers.goods.desk import desk_actions

ACTIONS = desk_actions("offer")
