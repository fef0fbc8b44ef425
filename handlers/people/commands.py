"""List the commands by which people register and see their own things."""

from handlers.people import mine
from handlers.routing.command import Command

COMMANDS: tuple[Command, ...] = (
    Command("start_register", mine.register),
    Command("mine", mine.mine),
    Command("my_pledges", mine.my_pledges),
)
