"""Declare what the staff's commands do to listings."""

from handlers.goods.desk import desk_actions

ACTIONS = desk_actions("listing")
