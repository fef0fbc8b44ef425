"""List the commands of the market."""

from handlers.routing.answers import starts
from handlers.routing.command import Command

COMMANDS: tuple[Command, ...] = (Command("start_listing", starts("list_produce")),)
