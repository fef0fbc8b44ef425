"""List the commands of goods."""

from handlers.routing.answers import starts
from handlers.routing.command import Command

COMMANDS: tuple[Command, ...] = (
    Command("start_request", starts("request_goods")),
    Command("start_offer", starts("offer_goods")),
)
