"""List the commands of goods."""

from handlers.goods import desk, own
from handlers.routing.answers import starts
from handlers.routing.command import Command
from handlers.routing.roles import OFFICERS

COMMANDS: tuple[Command, ...] = (
    Command("start_request", starts("request_goods")),
    Command("start_offer", starts("offer_goods")),
    # Only numbered lines lead here.
    Command("renew_goods", own.renew),
    Command("take_down", desk.take_down, staff=OFFICERS),
    Command("approve_shop", desk.approve_shop, staff=OFFICERS),
)
