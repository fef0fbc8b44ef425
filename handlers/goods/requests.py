"""Declare what the staff's commands do to requests of goods."""

from handlers.goods.desk import desk_actions

ACTIONS = desk_actions("request")
