"""List the commands of people's rights over their data."""

from flows.rights.export import WAY
from handlers.rights import export
from handlers.routing.command import Command

COMMANDS: tuple[Command, ...] = (
    Command("export", export.export),
    # Only numbered lines lead here.
    Command(WAY, export.wait),
)
