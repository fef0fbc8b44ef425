"""List the commands of people's rights over their data."""

from flows.rights.erasure import WAY as TO_ERASE
from flows.rights.export import WAY
from handlers.rights import erasure, export
from handlers.routing.command import Command

COMMANDS: tuple[Command, ...] = (
    Command("export", export.export),
    Command("erase", erasure.erase, guess=False),
    # Only numbered lines lead here.
    Command(WAY, export.wait),
    Command(TO_ERASE, erasure.without_places),
)
